# fish completion for apikeys, made by `apikeys completion fish`.
# What was typed is only ever compared: nothing of it is run.

# Whether the option $argv[2] of the command $argv[1] takes a value.
function __apikeys_takes
    switch "$argv[1] $argv[2]"
        case '* -o' '* --output' '* --tenant' '* --actor' '* --config' '* --database-url-file' '* --time' '* --color' 'create --owner' 'create --scope' 'create --expires' 'create --description' 'create --metadata' 'create --rate' 'create --quota' 'create --budget' 'create --allow-ip' 'create --idempotency-key' 'create --out-file' 'list --owner' 'list --status' 'list --scope' 'list --name' 'list --expiring-within' 'list --unused-for' 'list --sort' 'list --limit' 'list --cursor' 'show --owner' 'update --name' 'update --description' 'update --expires' 'update --metadata' 'rotate --owner' 'rotate --grace' 'rotate --expires' 'rotate --idempotency-key' 'rotate --out-file' 'rotate --timeout' 'scopes --owner' 'scopes --set' 'scopes --add' 'scopes --remove' 'scopes --has' 'limits --owner' 'limits --rate' 'limits --quota' 'limits --budget' 'limits --allow-ip' 'limits --none' 'revoke --owner' 'revoke --reason' 'freeze --owner' 'freeze --until' 'freeze --reason' 'unfreeze --owner' 'unfreeze --reason' 'verify --key-file' 'verify --scope' 'verify --ip' 'usage --owner' 'usage --since' 'usage --until' 'usage --by' 'usage --limit' 'usage record --requests' 'usage record --spend-cents' 'usage record --at' 'usage import --import-id' 'audit --owner' 'audit --since' 'audit --until' 'audit --actor' 'audit --action' 'audit --limit' 'audit --cursor' 'audit verify --head' 'audit verify --max-runtime' 'audit verify --resume' 'policy set --max-lifetime' 'policy set --max-keys' 'policy set --scope' 'policy set --prefix' 'cleanup --older-than' 'cleanup --batch-size' 'cleanup --max-runtime' 'cleanup --usage-older-than' 'cleanup --audit-older-than' 'grants --role' 'grants --as'
            return 0
    end
    return 1
end

# Whether $argv[1] has a command of the name $argv[2].
function __apikeys_has
    switch "$argv[1]/$argv[2]"
        case '/create' '/list' '/show' '/update' '/rotate' '/scopes' '/limits' '/revoke' '/freeze' '/unfreeze' '/verify' '/usage' '/audit' '/policy' '/cleanup' '/migrate' '/doctor' '/grants' '/schema' '/completion' '/help' 'usage/record' 'usage/import' 'audit/head' 'audit/verify' 'policy/set' 'policy/unset'
            return 0
    end
    return 1
end

# Prints the command that the line has come to, and the number of arguments that it has by then.
function __apikeys_place
    set -l tokens (commandline -opc)
    set -l command ''
    set -l count 0
    set -l skip no
    set -l ended no
    for token in $tokens[2..-1]
        if test $skip = yes
            set skip no
        else if test $ended = no -a "x$token" = x--
            set ended yes
        else if test $ended = no; and string match -q -- '--*' $token
            __apikeys_takes "$command" $token; and set skip yes
        else if test $ended = no; and string match -q -- '-?*' $token
            set -l letters (string split '' -- $token)[2..-1]
            for index in (seq (count $letters))
                if __apikeys_takes "$command" -$letters[$index]
                    test $index -eq (count $letters); and set skip yes
                    break
                end
            end
        else if test $count -eq 0; and __apikeys_has "$command" $token
            set command (string trim -- "$command $token")
        else
            set count (math $count + 1)
        end
    end
    echo $command
    echo $count
end

# Whether the line has come to the command $argv[1], and, if given, to its argument number $argv[2].
function __apikeys_at
    set -l place (__apikeys_place)
    test "$place[1]" = "$argv[1]"; or return 1
    test (count $argv) -lt 2 -o "$argv[2]" = "$place[2]"
end

complete -c apikeys -f

complete -c apikeys -n '__apikeys_at "" 0' -a 'create' -d 'make a key and show its secret, once'
complete -c apikeys -n '__apikeys_at "" 0' -a 'list' -d 'list keys, newest first'
complete -c apikeys -n '__apikeys_at "" 0' -a 'show' -d 'show everything about one key'
complete -c apikeys -n '__apikeys_at "" 0' -a 'update' -d 'change what is not a secret'
complete -c apikeys -n '__apikeys_at "" 0' -a 'rotate' -d 'give a key a new secret'
complete -c apikeys -n '__apikeys_at "" 0' -a 'scopes' -d 'show, change or ask what a key may do'
complete -c apikeys -n '__apikeys_at "" 0' -a 'limits' -d 'show or change what a key, or an owner, may use'
complete -c apikeys -n '__apikeys_at "" 0' -a 'revoke' -d 'end keys for good'
complete -c apikeys -n '__apikeys_at "" 0' -a 'freeze' -d 'suspend keys, or an owner with all its keys'
complete -c apikeys -n '__apikeys_at "" 0' -a 'unfreeze' -d 'lift the freeze of keys, or an owner\'s'
complete -c apikeys -n '__apikeys_at "" 0' -a 'verify' -d 'tell whether a raw key is valid now'
complete -c apikeys -n '__apikeys_at "" 0' -a 'usage' -d 'requests and spend of a key, an owner or all'
complete -c apikeys -n '__apikeys_at "" 0' -a 'audit' -d 'show who did what to which key, newest first'
complete -c apikeys -n '__apikeys_at "" 0' -a 'policy' -d 'show, or change, what keys may be'
complete -c apikeys -n '__apikeys_at "" 0' -a 'cleanup' -d 'delete what has been dead long enough'
complete -c apikeys -n '__apikeys_at "" 0' -a 'migrate' -d 'bring the schema up to date'
complete -c apikeys -n '__apikeys_at "" 0' -a 'doctor' -d 'look whether everything is as it should be'
complete -c apikeys -n '__apikeys_at "" 0' -a 'grants' -d 'print, or apply, the SQL for least privilege'
complete -c apikeys -n '__apikeys_at "" 0' -a 'schema' -d 'print the JSON Schema of a command\'s output'
complete -c apikeys -n '__apikeys_at "" 0' -a 'completion' -d 'print the completion script of a shell'
complete -c apikeys -n '__apikeys_at "" 0' -a 'help' -d 'on a command or a topic, such as incident'
complete -c apikeys -s V -l version -d 'print the version'
complete -c apikeys -l json -d 'one JSON object on stdout; the same as -o json'
complete -c apikeys -s o -l output -x -a 'table tsv json ndjson csv' -d 'table on a terminal, tsv elsewhere, unless named'
complete -c apikeys -s q -l quiet -d 'only what a script wants: the raw key, or ids'
complete -c apikeys -s n -l dry-run -d 'show what would change and change nothing'
complete -c apikeys -l no-input -d 'never ask; fail where a question would be needed'
complete -c apikeys -s y -l yes -d 'answer yes to the question whether to go on'
complete -c apikeys -l tenant -x -d 'confine everything to this tenant'
complete -c apikeys -l actor -x -d 'whom the audit trail names'
complete -c apikeys -l config -r -F -d 'read this YAML file'
complete -c apikeys -l database-url-file -r -F -d 'read the database URL from this file'
complete -c apikeys -l embedded -d 'use the built-in PostgreSQL'
complete -c apikeys -l break-lock -d 'take its lock from a process on a machine or in a container that is gone'
complete -c apikeys -l time -x -a 'relative absolute' -d 'in tables: relative to now, or absolute in UTC'
complete -c apikeys -l no-pager -d 'no pager for what is longer than the screen'
complete -c apikeys -l color -x -a 'auto always never' -d 'colour the output'
complete -c apikeys -l debug -d 'say more about a failure'
complete -c apikeys -s h -l help -d 'show help'

complete -c apikeys -n '__apikeys_at "create"' -l owner -x -d 'the user or service that the key belongs to'
complete -c apikeys -n '__apikeys_at "create"' -l scope -x -d 'what the key may do, such as orders:*; repeatable'
complete -c apikeys -n '__apikeys_at "create"' -l expires -x -d '30d, 2030-01-31, an RFC 3339 time, or never (default: 90d)'
complete -c apikeys -n '__apikeys_at "create"' -l description -x -d 'what the key is for'
complete -c apikeys -n '__apikeys_at "create"' -l metadata -x -d 'the operator\'s own notes; repeatable'
complete -c apikeys -n '__apikeys_at "create"' -l rate -x -d 'requests in a window of 1s to 1d: 100/1m'
complete -c apikeys -n '__apikeys_at "create"' -l quota -x -d 'requests a day, week, month or in total: 5000/day'
complete -c apikeys -n '__apikeys_at "create"' -l budget -x -d 'cents, likewise: 2000/month'
complete -c apikeys -n '__apikeys_at "create"' -l allow-ip -x -d 'from these addresses alone, such as 10.0.0.0/8; repeatable'
complete -c apikeys -n '__apikeys_at "create"' -l idempotency-key -x -d 'a repetition with the same one makes no second key'
complete -c apikeys -n '__apikeys_at "create"' -l out-file -r -F -d 'write the secret to this new file, not to stdout'

complete -c apikeys -n '__apikeys_at "list"' -l owner -x -d 'only keys of this owner'
complete -c apikeys -n '__apikeys_at "list"' -l status -x -a 'active revoked frozen expired' -d 'only this status'
complete -c apikeys -n '__apikeys_at "list"' -l scope -x -d 'only keys that grant this scope'
complete -c apikeys -n '__apikeys_at "list"' -l name -x -d 'only keys of this name, such as \'ci-*\''
complete -c apikeys -n '__apikeys_at "list"' -l expiring-within -x -d 'only live keys that end in this time, soonest first'
complete -c apikeys -n '__apikeys_at "list"' -l unused-for -x -d 'only keys not used for this long, such as 30d'
complete -c apikeys -n '__apikeys_at "list"' -l sort -x -a 'created name expires last-used' -d 'another order'
complete -c apikeys -n '__apikeys_at "list"' -l desc -d 'with --sort: the other way round'
complete -c apikeys -n '__apikeys_at "list"' -l limit -x -d 'keys a page (default: 50; off a screen, all)'
complete -c apikeys -n '__apikeys_at "list"' -l cursor -x -d 'the page after this next_cursor'
complete -c apikeys -n '__apikeys_at "list"' -l all -d 'every page'
complete -c apikeys -n '__apikeys_at "list"' -l count -d 'the number of keys alone'

complete -c apikeys -n '__apikeys_at "show"' -l owner -x -d 'of several keys of that name, the one of this owner'

complete -c apikeys -n '__apikeys_at "update"' -l name -x -d 'another name'
complete -c apikeys -n '__apikeys_at "update"' -l description -x -d 'what the key is for; an empty one removes it'
complete -c apikeys -n '__apikeys_at "update"' -l expires -x -d 'another lifetime: 30d, 2030-01-31, an RFC 3339 time, or never'
complete -c apikeys -n '__apikeys_at "update"' -l metadata -x -d 'added to what is there; key= removes one; repeatable'

complete -c apikeys -n '__apikeys_at "rotate"' -l owner -x -d 'of several keys of that name, the one of this owner'
complete -c apikeys -n '__apikeys_at "rotate"' -l grace -x -d 'how long older secrets stay valid (default: 1d)'
complete -c apikeys -n '__apikeys_at "rotate"' -l expires -x -d 'another lifetime: 30d, 2030-01-31, an RFC 3339 time, or never'
complete -c apikeys -n '__apikeys_at "rotate"' -l unfreeze -d 'lift its freeze; older secrets end now unless --grace'
complete -c apikeys -n '__apikeys_at "rotate"' -l idempotency-key -x -d 'a repetition makes no second secret'
complete -c apikeys -n '__apikeys_at "rotate"' -l out-file -r -F -d 'write the secret to this new file, not to stdout'
complete -c apikeys -n '__apikeys_at "rotate"' -l wait -d 'then wait until nobody uses older secrets any more'
complete -c apikeys -n '__apikeys_at "rotate"' -l timeout -x -d 'with --wait: how long to wait at most (default: 1h)'
complete -c apikeys -n '__apikeys_at "rotate"' -l end-grace -d 'make no secret; end the older ones now'

complete -c apikeys -n '__apikeys_at "scopes"' -l owner -x -d 'of several keys of that name, the one of this owner'
complete -c apikeys -n '__apikeys_at "scopes"' -l set -x -d 'these and no others; repeatable'
complete -c apikeys -n '__apikeys_at "scopes"' -l add -x -d 'these, too; repeatable'
complete -c apikeys -n '__apikeys_at "scopes"' -l remove -x -d 'not these any more; repeatable'
complete -c apikeys -n '__apikeys_at "scopes"' -l has -x -d 'exit 0 if the key grants all of these, 5 if not; repeatable'

complete -c apikeys -n '__apikeys_at "limits"' -l owner -x -d 'without a key: this owner as a whole, all its keys together'
complete -c apikeys -n '__apikeys_at "limits"' -l rate -x -d 'requests in a window of 1s to 1d: 100/1m'
complete -c apikeys -n '__apikeys_at "limits"' -l quota -x -d 'requests a day, week, month or in total: 5000/day'
complete -c apikeys -n '__apikeys_at "limits"' -l budget -x -d 'cents, likewise: 2000/month'
complete -c apikeys -n '__apikeys_at "limits"' -l allow-ip -x -d 'from these addresses alone, such as 10.0.0.0/8; repeatable'
complete -c apikeys -n '__apikeys_at "limits"' -l none -x -d 'take rate, quota, budget or ip off; repeatable'

complete -c apikeys -n '__apikeys_at "revoke"' -l owner -x -d 'all keys of this owner; with keys: only those that are its'
complete -c apikeys -n '__apikeys_at "revoke"' -l and-freeze -d 'freeze the owner as well: it gets no new keys'
complete -c apikeys -n '__apikeys_at "revoke"' -l reason -x -d 'why; the audit trail keeps it'
complete -c apikeys -n '__apikeys_at "revoke"' -l ignore-missing -d 'go on with the others when some are not found'

complete -c apikeys -n '__apikeys_at "freeze"' -l owner -x -d 'the owner as a whole: its keys stop, and it gets no new ones; with keys: only its'
complete -c apikeys -n '__apikeys_at "freeze"' -l until -x -d 'thaw by itself: after 2h, the day 2030-01-31, or an RFC 3339 time'
complete -c apikeys -n '__apikeys_at "freeze"' -l reason -x -d 'why; the audit trail keeps it'
complete -c apikeys -n '__apikeys_at "freeze"' -l ignore-missing -d 'go on with the others when some are not found'

complete -c apikeys -n '__apikeys_at "unfreeze"' -l owner -x -d 'the owner\'s freeze alone, not that of its keys; with keys: only its'
complete -c apikeys -n '__apikeys_at "unfreeze"' -l reason -x -d 'why; the audit trail keeps it'
complete -c apikeys -n '__apikeys_at "unfreeze"' -l ignore-missing -d 'go on with the others when some are not found'

complete -c apikeys -n '__apikeys_at "verify"' -l key-file -r -F -d 'read the raw key from this file'
complete -c apikeys -n '__apikeys_at "verify"' -l scope -x -d 'the key has to grant this, too; repeatable'
complete -c apikeys -n '__apikeys_at "verify"' -l ip -x -d 'the client\'s address, where a key is allowed some alone'
complete -c apikeys -n '__apikeys_at "verify"' -l explain -d 'every check and its answer'

complete -c apikeys -n '__apikeys_at "usage" 0' -a 'record' -d 'add usage to a key'
complete -c apikeys -n '__apikeys_at "usage" 0' -a 'import' -d 'add usage from NDJSON or CSV, such as the log of a gateway'
complete -c apikeys -n '__apikeys_at "usage"' -l owner -x -d 'only keys of this owner, deleted ones too'
complete -c apikeys -n '__apikeys_at "usage"' -l since -x -d 'from this UTC day on: 2030-01-31, or 30d (ago) (default: today)'
complete -c apikeys -n '__apikeys_at "usage"' -l until -x -d 'up to this UTC day, written alike (default: today)'
complete -c apikeys -n '__apikeys_at "usage"' -l by -x -a 'day week month' -d 'over time; a key\'s is by day unless named'
complete -c apikeys -n '__apikeys_at "usage"' -l limit -x -d 'how many of the top keys (default: 20)'

complete -c apikeys -n '__apikeys_at "usage record"' -l requests -x -d 'requests to add'
complete -c apikeys -n '__apikeys_at "usage record"' -l spend-cents -x -d 'cents to add'
complete -c apikeys -n '__apikeys_at "usage record"' -l at -x -d 'when: a UTC day, or an RFC 3339 time (default: now)'

complete -c apikeys -n '__apikeys_at "usage import" 0' -F
complete -c apikeys -n '__apikeys_at "usage import"' -l import-id -x -d 'importing twice under the same one counts once; goes on after a kill'

complete -c apikeys -n '__apikeys_at "audit" 0' -a 'head' -d 'print where every chain of the trail stands'
complete -c apikeys -n '__apikeys_at "audit" 0' -a 'verify' -d 'check the trail, and the keys against it'
complete -c apikeys -n '__apikeys_at "audit"' -l owner -x -d 'only events of this owner and its keys'
complete -c apikeys -n '__apikeys_at "audit"' -l since -x -d 'from then on: 7d (ago), a UTC day, an RFC 3339 time'
complete -c apikeys -n '__apikeys_at "audit"' -l until -x -d 'before this time; through the end of a day'
complete -c apikeys -n '__apikeys_at "audit"' -l actor -x -d 'only what this one did'
complete -c apikeys -n '__apikeys_at "audit"' -l action -x -a 'key.created key.updated key.scopes_changed key.limits_changed key.rotated key.grace_ended key.frozen key.unfrozen key.revoked key.secrets_deleted key.deleted owner.first_key owner.frozen owner.unfrozen owner.limits_changed policy.changed usage.recorded usage.imported usage.pruned audit.pruned role.granted schema.migrated' -d 'only this, such as key.revoked'
complete -c apikeys -n '__apikeys_at "audit"' -l limit -x -d 'events a page (default: 50; off a screen, all)'
complete -c apikeys -n '__apikeys_at "audit"' -l cursor -x -d 'the page after this next_cursor'
complete -c apikeys -n '__apikeys_at "audit"' -l all -d 'every page'
complete -c apikeys -n '__apikeys_at "audit"' -l follow -d 'go on, oldest first, from now or --since, until Ctrl-C'


complete -c apikeys -n '__apikeys_at "audit verify"' -l chain-only -d 'leave the state of keys, secrets and owners alone'
complete -c apikeys -n '__apikeys_at "audit verify"' -l head -r -F -d 'also against heads that `apikeys audit head` gave'
complete -c apikeys -n '__apikeys_at "audit verify"' -l max-runtime -x -d 'stop after this time, such as 10m'
complete -c apikeys -n '__apikeys_at "audit verify"' -l resume -x -d 'go on where a run was stopped, as it said'

complete -c apikeys -n '__apikeys_at "policy" 0' -a 'set' -d 'set rules of a policy; the others stay'
complete -c apikeys -n '__apikeys_at "policy" 0' -a 'unset' -d 'take rules of a policy away'
complete -c apikeys -n '__apikeys_at "policy" 0' -a 'show'

complete -c apikeys -n '__apikeys_at "policy set"' -l max-lifetime -x -d 'the longest lifetime that a key may be given: 90d'
complete -c apikeys -n '__apikeys_at "policy set"' -l require-expiry -d 'every key has to have an end'
complete -c apikeys -n '__apikeys_at "policy set"' -l max-keys -x -d 'live keys of an owner, at least 1'
complete -c apikeys -n '__apikeys_at "policy set"' -l scope -x -d 'what keys may be given, such as orders:*; repeatable'
complete -c apikeys -n '__apikeys_at "policy set"' -l prefix -x -d 'what new secrets may begin with, such as acme_; repeatable'

complete -c apikeys -n '__apikeys_at "policy unset"' -l max-lifetime -d 'the longest lifetime'
complete -c apikeys -n '__apikeys_at "policy unset"' -l require-expiry -d 'that every key has to have an end'
complete -c apikeys -n '__apikeys_at "policy unset"' -l max-keys -d 'the number of keys of an owner'
complete -c apikeys -n '__apikeys_at "policy unset"' -l scope -d 'all scopes: keys may be given any'
complete -c apikeys -n '__apikeys_at "policy unset"' -l prefix -d 'all prefixes: new secrets may begin with any'
complete -c apikeys -n '__apikeys_at "policy unset"' -l all -d 'every rule'

complete -c apikeys -n '__apikeys_at "cleanup"' -l older-than -x -d 'keep the dead for this long (default: APIKEYS_RETENTION, 30d)'
complete -c apikeys -n '__apikeys_at "cleanup"' -l batch-size -x -d 'keys a transaction at most, 1 to 10000 (default: 500)'
complete -c apikeys -n '__apikeys_at "cleanup"' -l max-runtime -x -d 'stop after this time, such as 10m; the next run goes on'
complete -c apikeys -n '__apikeys_at "cleanup"' -l usage-older-than -x -d 'also delete usage days older than this'
complete -c apikeys -n '__apikeys_at "cleanup"' -l audit-older-than -x -d 'also delete audit events older than this'

complete -c apikeys -n '__apikeys_at "migrate"' -l status -d 'show what is applied and what is pending; change nothing'


complete -c apikeys -n '__apikeys_at "grants"' -l role -x -d 'an existing role of the database'
complete -c apikeys -n '__apikeys_at "grants"' -l as -x -a 'admin verifier auditor policy' -d 'what the role is for'
complete -c apikeys -n '__apikeys_at "grants"' -l apply -d 'run it, all or nothing; needs the role that ran migrate'

complete -c apikeys -n '__apikeys_at "schema" 0' -a 'create list show update rotate scopes limits revoke freeze unfreeze verify usage usage-record usage-import audit audit-head audit-verify policy policy-set policy-unset cleanup migrate doctor grants error'

complete -c apikeys -n '__apikeys_at "completion" 0' -a 'bash zsh fish'

complete -c apikeys -n '__apikeys_at "help" 0' -a 'create list show update rotate scopes limits revoke freeze unfreeze verify usage audit policy cleanup migrate doctor grants schema completion help options environment exit-codes incident'
