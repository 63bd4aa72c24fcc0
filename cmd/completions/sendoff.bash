# Completion of sendoff for bash.                                 -*- sh -*-

# The accounts of the configuration that the words before name.
_sendoff_accounts()
{
	local i config=()

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-C | --config) config=(-C "${COMP_WORDS[i + 1]}") ;;
		esac
	done
	sendoff "${config[@]}" config show 2>/dev/null | sed -n 's/^\[account \(.*\)\]$/\1/p'
}

# The ids of what is waiting, with what was given up.
_sendoff_ids()
{
	sendoff --json queue list --all 2>/dev/null | sed -n 's/^{"id":"\([^"]*\)".*/\1/p'
}

_sendoff()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} word i skip=''
	local command='' verb=''
	local options='-C --config -a --account -v --verbose --quiet --json --help --version'

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $skip ]]; then
			skip=
		elif [[ $word == -C || $word == --config || $word == -a || $word == --account ]]; then
			skip=yes
		elif [[ $word != -* && $command ]]; then
			verb=$word
			break
		elif [[ $word != -* ]]; then
			command=$word
		fi
	done
	case $prev in
	-C | --config | --file | --password-file)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	-a | --account)
		mapfile -t COMPREPLY < <(compgen -W "$(_sendoff_accounts)" -- "$cur")
		return
		;;
	-N | --dsn)
		mapfile -t COMPREPLY < <(compgen -W 'never success failure delay' -- "$cur")
		return
		;;
	--flow)
		mapfile -t COMPREPLY < <(compgen -W 'code paste device' -- "$cur")
		return
		;;
	--tls)
		mapfile -t COMPREPLY < <(compgen -W 'implicit starttls opportunistic off' -- "$cur")
		return
		;;
	-R | --dsn-return)
		mapfile -t COMPREPLY < <(compgen -W 'full hdrs' -- "$cur")
		return
		;;
	-f | --sender | -F | --full-name | -V | --dsn-envid | --at | --max-age | --max-count | --interval | \
		--host | --port | --user | --from | --to | --send | --vrfy | --expn | --command | --timeout)
		return
		;;
	esac
	case $command in
	'')
		if [[ $cur == -* ]]; then
			word=$options
		else
			word='send check queue login logout config help version'
		fi
		;;
	send)
		word="$options -t --from-header -f --sender -F --full-name --file -N --dsn
			-R --dsn-return -V --dsn-envid -i --no-queue --queue --at --dry-run --explain"
		[[ $cur == -* ]] || word=
		;;
	check)
		word=$(_sendoff_accounts)
		[[ $cur == -* ]] && word="$options --host --port --tls --user --password-file --set -f --from
			-t --to --send --all --vrfy --expn --remote-help --command --timeout"
		;;
	queue)
		case $verb in
		'') word='list show flush hold release remove retry check watch' ;;
		show | hold | release | remove | retry) word=$(_sendoff_ids) ;;
		flush) word="$(_sendoff_accounts) $(_sendoff_ids)" ;;
		*) word= ;;
		esac
		[[ $cur == -* ]] && word="$options --all --content --max-age --max-count --interval"
		;;
	login | logout)
		word=$(_sendoff_accounts)
		[[ $cur == -* && $command == login ]] && word="$options --flow --no-browser --status"
		[[ $cur == -* && $command == logout ]] && word=$options
		;;
	config)
		word='show check'
		[[ $prev == show ]] && word=$(_sendoff_accounts)
		[[ $cur == -* ]] && word=$options
		;;
	help)
		word='send check queue login logout config help version'
		;;
	*)
		word=$options
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$word" -- "$cur")
}

complete -F _sendoff sendoff
