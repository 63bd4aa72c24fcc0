# Completion of sendoff for fish.

function __sendoff_accounts
    sendoff config show 2>/dev/null | string replace -rf '^\[account (.*)\]$' '$1'
end

# The ids of what is waiting, with what was given up.
function __sendoff_ids
    sendoff --json queue list --all 2>/dev/null | string replace -rf '^\{"id":"([^"]*)".*' '$1'
end

set --local commands send check queue login logout config help version
set --local verbs list show flush hold release remove retry check watch

complete -c sendoff -f
complete -c sendoff -n "not __fish_seen_subcommand_from $commands" -a send -d 'Send a message'
complete -c sendoff -n "not __fish_seen_subcommand_from $commands" -a check -d 'Test a login step by step'
complete -c sendoff -n "not __fish_seen_subcommand_from $commands" -a queue -d 'See, steer or send what is waiting'
complete -c sendoff -n "not __fish_seen_subcommand_from $commands" -a login -d 'Sign in by OAuth'
complete -c sendoff -n "not __fish_seen_subcommand_from $commands" -a logout -d 'End a sign-in'
complete -c sendoff -n "not __fish_seen_subcommand_from $commands" -a config -d 'Show or check the settings'
complete -c sendoff -n "not __fish_seen_subcommand_from $commands" -a help -d 'Show help'
complete -c sendoff -n "not __fish_seen_subcommand_from $commands" -a version -d 'Show the version'

complete -c sendoff -s C -l config -r -F -d 'Use this configuration file only'
complete -c sendoff -s a -l account -x -a '(__sendoff_accounts)' -d 'Use this account'
complete -c sendoff -s v -l verbose -d 'Show the dialogue with the server'
complete -c sendoff -l quiet -d 'Say nothing'
complete -c sendoff -l json -d 'Print one JSON object a line'
complete -c sendoff -l help -d 'Show help'
complete -c sendoff -l version -d 'Show the version'

complete -c sendoff -n '__fish_seen_subcommand_from send' -s t -l from-header -d 'Recipients from To, Cc and Bcc'
complete -c sendoff -n '__fish_seen_subcommand_from send' -s f -l sender -x -d 'Envelope sender'
complete -c sendoff -n '__fish_seen_subcommand_from send' -s F -l full-name -x -d 'Name for a From that is added'
complete -c sendoff -n '__fish_seen_subcommand_from send' -l file -r -F -d 'Send this file'
complete -c sendoff -n '__fish_seen_subcommand_from send' -s N -l dsn -x -a 'never success failure delay' -d 'Delivery reports'
complete -c sendoff -n '__fish_seen_subcommand_from send' -s R -l dsn-return -x -a 'full hdrs' -d 'What a report quotes'
complete -c sendoff -n '__fish_seen_subcommand_from send' -s V -l dsn-envid -x -d 'Envelope id of reports'
complete -c sendoff -n '__fish_seen_subcommand_from send' -s i -d 'No effect'
complete -c sendoff -n '__fish_seen_subcommand_from send' -l no-queue -d 'Send now or not at all'
complete -c sendoff -n '__fish_seen_subcommand_from send' -l queue -d 'Only store it'
complete -c sendoff -n '__fish_seen_subcommand_from send' -l at -x -d 'Store it, send it not before'
complete -c sendoff -n '__fish_seen_subcommand_from send' -l dry-run -d 'Show envelope and header, send nothing'
complete -c sendoff -n '__fish_seen_subcommand_from send' -l explain -d 'Say why this account and sender'

complete -c sendoff -n '__fish_seen_subcommand_from check' -a '(__sendoff_accounts)'
complete -c sendoff -n '__fish_seen_subcommand_from check' -l host -x -a '(__fish_print_hostnames)' -d 'The server'
complete -c sendoff -n '__fish_seen_subcommand_from check' -l port -x -a '465 587 25' -d 'Its port'
complete -c sendoff -n '__fish_seen_subcommand_from check' -l tls -x -a 'implicit starttls opportunistic off' -d 'Its mode'
complete -c sendoff -n '__fish_seen_subcommand_from check' -l user -x -d 'Whom to log in as'
complete -c sendoff -n '__fish_seen_subcommand_from check' -l password-file -r -F -d 'The password is in this file'
complete -c sendoff -n '__fish_seen_subcommand_from check' -l set -x -d 'A further key of an account that stands in no file'
complete -c sendoff -n '__fish_seen_subcommand_from check' -s f -l from -x -d 'Ask for this sender'
complete -c sendoff -n '__fish_seen_subcommand_from check' -s t -l to -x -d 'Ask for this recipient'
complete -c sendoff -n '__fish_seen_subcommand_from check' -l send -x -d 'Send one test message there'
complete -c sendoff -n '__fish_seen_subcommand_from check' -l all -d 'Every mechanism, every address'
complete -c sendoff -n '__fish_seen_subcommand_from check' -l vrfy -x -d 'Does it know this address?'
complete -c sendoff -n '__fish_seen_subcommand_from check' -l expn -x -d 'Who is on this list?'
complete -c sendoff -n '__fish_seen_subcommand_from check' -l remote-help -d 'Ask the server for help'
complete -c sendoff -n '__fish_seen_subcommand_from check' -l command -x -d 'Send this line'
complete -c sendoff -n '__fish_seen_subcommand_from check' -l timeout -x -d 'Seconds for all of it'

complete -c sendoff -n "__fish_seen_subcommand_from queue; and not __fish_seen_subcommand_from $verbs" -a "$verbs"
complete -c sendoff -n '__fish_seen_subcommand_from queue' -l all -d 'What was given up too, or every message'
complete -c sendoff -n '__fish_seen_subcommand_from queue' -l content -d 'The message as it is stored'
complete -c sendoff -n '__fish_seen_subcommand_from queue' -l max-age -x -d 'How long a message may wait'
complete -c sendoff -n '__fish_seen_subcommand_from queue' -l max-count -x -d 'How many may wait'
complete -c sendoff -n '__fish_seen_subcommand_from queue' -l interval -x -d 'How often to look at least'
complete -c sendoff -n '__fish_seen_subcommand_from queue; and __fish_seen_subcommand_from show flush hold release remove retry' -a '(__sendoff_ids)'
complete -c sendoff -n '__fish_seen_subcommand_from queue; and __fish_seen_subcommand_from flush' -a '(__sendoff_accounts)'

complete -c sendoff -n '__fish_seen_subcommand_from login logout' -a '(__sendoff_accounts)'
complete -c sendoff -n '__fish_seen_subcommand_from login' -l flow -x -a 'code paste device' -d 'How to sign in'
complete -c sendoff -n '__fish_seen_subcommand_from login' -l no-browser -d 'Open no browser'
complete -c sendoff -n '__fish_seen_subcommand_from login' -l status -d 'What is there of each sign-in'

complete -c sendoff -n '__fish_seen_subcommand_from config' -a 'show check'
complete -c sendoff -n '__fish_seen_subcommand_from config; and __fish_seen_subcommand_from show' -a '(__sendoff_accounts)'
complete -c sendoff -n '__fish_seen_subcommand_from help' -a "$commands"
