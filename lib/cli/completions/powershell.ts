/** Completion for PowerShell 5.1 and later, on Windows as elsewhere. */

import { type Values, type VerbNode, withAll } from "./verb_tree.ts";

/** The script that PowerShell runs for this program. */
export function powershellCompletion(program: VerbNode): string {
  const name = program.path[0]!;
  const all = withAll(program);
  return `# PowerShell completion for ${name}

Register-ArgumentCompleter -Native -CommandName ${quote(name)} -ScriptBlock {
  param($word, $commandAst, $cursor)
  $new = {
    param($text, $description)
    [System.Management.Automation.CompletionResult]::new($text, $text, 'ParameterValue', $description)
  }
  $before = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursor } | ForEach-Object { $_.Extent.Text })
  $path = ${quote(name)}
  foreach ($one in ($before | Select-Object -Skip 1)) {
    switch -CaseSensitive ("$path $one") {
${all.slice(1).map(({ path }) => `      ${quote(path.join(" "))} { $path = ${quote(path.join(" "))} }`).join("\n")}
    }
  }
  $option = $before[-1]
  $prefix = ''
  if ($word -match '^(--[a-z-]+)=(.*)$') {
    $option = $Matches[1]
    $prefix = "$option="
    $word = $Matches[2]
  }
  $takesValue = $true
  $offers = @(switch -CaseSensitive ("$path $option") {
${all.flatMap(valuesOfOptions).join("\n")}
    default { $takesValue = $false }
  })
  if (-not $takesValue) {
    $isFlag = $word.StartsWith('-')
    $offers = @(switch -CaseSensitive ($path) {
${all.map(offersOf).join("\n")}
    }) | Where-Object { $_.CompletionText.StartsWith('-') -eq $isFlag }
  }
  # Without an offer PowerShell completes the names of files.
  $offers | Where-Object { $_.CompletionText.StartsWith($prefix + $word, [StringComparison]::Ordinal) }
}
`;
}

/** What follows each option that takes a value. */
function valuesOfOptions({ path, options }: VerbNode): string[] {
  return options.flatMap(({ flags, values }) =>
    values === undefined ? [] : flags.map((flag) => {
      const offers = listed(values).map((value) => `& $new ($prefix + ${quote(value)}) ${quote(value)}`);
      return `    ${quote([...path, flag].join(" "))} { ${offers.join("; ")} }`;
    })
  );
}

/** What may stand after a verb: verbs below it, values, and options. */
function offersOf({ path, verbs, options, values }: VerbNode): string {
  const offers = [
    ...verbs.map((verb) => [verb.path.at(-1)!, verb.description] as const),
    ...listed(values ?? "free").map((value) => [value, value] as const),
    ...options.flatMap(({ flags, description }) => flags.map((flag) => [flag, description] as const)),
  ];
  const lines = offers.map(([text, description]) => `        & $new ${quote(text)} ${quote(description)}`);
  return `      ${quote(path.join(" "))} {\n${lines.join("\n")}\n      }`;
}

function listed(values: Values): readonly string[] {
  return typeof values === "string" ? [] : values;
}

/** Any of five characters ends a text that one of them begins, unless it is doubled. */
function quote(text: string): string {
  return `'${text.replaceAll(/['‘’‚‛]/g, "$&$&")}'`;
}
