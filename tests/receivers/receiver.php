<?php
// The guide's receiver in PHP. Needs WEBHOOK_SECRET. Its handlers do nothing, but with RECEIVER_LOG they write a line to
// the server's log: event, note, and the SHA-256 of the bytes that came in.

function handle($event, $data, $body) {
    if (getenv('RECEIVER_LOG')) {
        error_log("$event {$data['note_id']} " . hash('sha256', $body));
    }
}

$body = file_get_contents('php://input');
$expected = hash_hmac('sha256', $body, getenv('WEBHOOK_SECRET'));
$received = str_replace('sha256=', '', $_SERVER['HTTP_X_CONNECTVETS_SIGNATURE'] ?? '');

if (!hash_equals($expected, $received)) {
    http_response_code(401);
    exit('Signature verification failed');
}

$event = json_decode($body, true);
switch ($event['event']) {
    case 'note.completed':
    case 'note.failed':
    case 'note.processing':
        handle($event['event'], $event['data'], $body);
        break;
}

http_response_code(200);
echo 'OK';
