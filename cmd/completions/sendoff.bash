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

_sendoff()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} word i command='' skip=''
	local options='-C --config -a --account -v --verbose --quiet --json --help --version'

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $skip ]]; then
			skip=
		elif [[ $word == -C || $word == --config || $word == -a || $word == --account ]]; then
			skip=yes
		elif [[ $word != -* ]]; then
			command=$word
			break
		fi
	done
	case $prev in
	-C | --config | --file)
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
	-R | --dsn-return)
		mapfile -t COMPREPLY < <(compgen -W 'full hdrs' -- "$cur")
		return
		;;
	-f | --sender | -F | --full-name | -V | --dsn-envid)
		return
		;;
	esac
	case $command in
	'')
		if [[ $cur == -* ]]; then
			word=$options
		else
			word='send config help version'
		fi
		;;
	send)
		word="$options -t --from-header -f --sender -F --full-name --file -N --dsn
			-R --dsn-return -V --dsn-envid -i --no-queue --dry-run --explain"
		[[ $cur == -* ]] || word=
		;;
	config)
		word='show check'
		[[ $prev == show ]] && word=$(_sendoff_accounts)
		[[ $cur == -* ]] && word=$options
		;;
	help)
		word='send config help version'
		;;
	*)
		word=$options
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$word" -- "$cur")
}

complete -F _sendoff sendoff
