<?php
// The guide's receiver in PHP; handlers do nothing. Needs WEBHOOK_SECRET.

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
        break;
}

http_response_code(200);
echo 'OK';
