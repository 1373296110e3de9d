package cli

import (
	"fmt"
	"io"
	"strings"
)

// writeBash writes the script for bash, of version 3.2 and later.
func writeBash(w io.Writer, c *Command) {
	io.WriteString(w, c.head("bash"))
	c.bashValues(w)
	c.bashVerbs(w)
	fmt.Fprint(w, strings.NewReplacer("PROGRAM", c.Name, "VERBS", strings.Join(append(c.verbNames(), "help"), " "),
		"FLAGS", strings.Join(ownFlags, " "), "NAMES", strings.Join(c.calledAs(), " ")).Replace(bashMain))
}

// bashKinds are what compgen takes.
var bashKinds = map[wanted]string{nothing: "none", words: "words", files: "files", folders: "folders"}

// bashValues writes the function that says what the value of an option is.
func (c *Command) bashValues(w io.Writer) {
	fmt.Fprintf(w, "\n# What the value of an option of a verb is; false: it takes none.\n__%s_value() {\n\tlist=\n\tcase \"$1 $2\" in\n", c.Name)
	for i := range c.Verbs {
		v := &c.Verbs[i]
		for _, f := range v.completed() {
			if names := f.bashNames(v.Name); names != "" {
				fmt.Fprintf(w, "\t%s) kind=%s%s ;;\n", names, bashKinds[f.want], bashList(f.words))
			}
		}
	}
	fmt.Fprint(w, "\t*) return 1 ;;\n\tesac\n}\n")
}

// bashNames are the patterns of a flag that takes a value, "" for others. One
// that may stand without its value has it behind = only.
func (f *completedFlag) bashNames(verb string) string {
	var patterns []string
	switch {
	case f.arg == "":
	case f.NoOptDefVal != "":
		patterns = []string{Quote(verb + " --" + f.Name + "=")}
	default:
		for _, name := range f.names() {
			patterns = append(patterns, Quote(verb+" "+name))
		}
	}
	return strings.Join(patterns, " | ")
}

func bashList(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return " list=" + Quote(strings.Join(words, " "))
}

// bashVerbs writes the function that says what options and arguments a verb
// has.
func (c *Command) bashVerbs(w io.Writer) {
	fmt.Fprintf(w, "\n# Options and arguments of a verb, or of an old name.\n__%s_verb() {\n\tcase $1 in\n", c.Name)
	for i := range c.Verbs {
		v := &c.Verbs[i]
		want, list := c.argsOf(v)
		fmt.Fprintf(w, "\t%s) kind=%s%s flags=%s ;;\n", v.Name, bashKinds[want], bashList(list), Quote(strings.Join(allNames(v.completed()), " ")))
	}
	for i := range c.OldNames {
		old := &c.OldNames[i]
		want, list := c.argsOf(c.verb(old.Verb))
		fmt.Fprintf(w, "\t%s) verb=%s kind=%s%s flags=%s ;;\n", old.Name, old.Verb, bashKinds[want], bashList(list), Quote(strings.Join(c.optionsOf(old), " ")))
	}
	fmt.Fprint(w, "\t*) return 1 ;;\n\tesac\n}\n")
}

const bashMain = `
# Fills COMPREPLY with what $1 can become; $2 stays in front of it.
__PROGRAM_fill() {
	local text=$1 keep=$2 word action=
	case $kind in
	words)
		case $text in *,*) keep=$keep${text%,*}, text=${text##*,} ;; esac
		while IFS= read -r word; do
			COMPREPLY+=("$keep$word")
		done < <(compgen -W "$list" -- "$text")
		return ;;
	files) action=-f ;;
	folders) action=-d ;;
	*) return ;;
	esac
	case $text in
	\'* | \"*) text=${text:1} ;;
	*) text=${text//\\/} ;;
	esac
	while IFS= read -r word; do
		COMPREPLY+=("$keep$word")
	done < <(compgen $action -- "$text")
	compopt -o filenames 2>/dev/null # not while a completion runs: a test
}

# Finds in a group of letters, as -tf, the one that takes a value, and how many
# letters there are up to it.
__PROGRAM_letter() {
	local i
	for ((i = 1; i < ${#2}; i++)); do
		if __PROGRAM_value "$1" "-${2:i:1}"; then
			letters=$((i + 1))
			return 0
		fi
	done
	return 1
}

# Puts words together again that were parted at = and :, which readline does.
# Those of the command line are in line, cut is what readline does not replace.
__PROGRAM_words() {
	local i rest=$COMP_LINE word blank near=
	for ((i = 0; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ -n $COMP_LINE ]]; then
			blank=${rest%%[![:space:]]*}
			rest=${rest:${#blank}}
			rest=${rest#"$word"}
			[[ $i -gt 0 && -z $blank && ($i -lt $COMP_CWORD || -n $word || $near == [=:]*) ]] && near=yes$near || near=
		else
			[[ $i -gt 0 && ($word == [=:]* || $near == [=:]*) ]] && near=yes || near=
		fi
		if [[ $near == yes* ]]; then
			cut=${line[last]}
			line[last]+=$word
		else
			cut=
			last=$((last + 1))
			line[last]=$word
		fi
		near=$word
	done
	[[ -n $cut && $word == [=:] ]] && cut=${line[last]}
}

_PROGRAM() {
	local line=() last=-1 cut= cur prev verb kind=none list= flags= letters ended= i from=2
	COMPREPLY=()
	__PROGRAM_words
	cur=${line[last]}
	verb=${line[0]##*/}
	if __PROGRAM_verb "$verb"; then # an old name
		from=1
	elif ((last == 1)); then
		kind=words list='VERBS FLAGS'
		[[ $cur == -* ]] || list='VERBS'
		__PROGRAM_fill "$cur" ''
		return
	else
		verb=${line[1]}
		if [[ $verb == help ]]; then
			kind=words list='VERBS'
			((last == 2)) && __PROGRAM_fill "$cur" ''
			return
		fi
		__PROGRAM_verb "$verb" || return
	fi
	local args=$kind words=$list
	prev=
	((last > from)) && prev=${line[last - 1]}
	for ((i = from; i < last; i++)); do
		[[ ${line[i]} == -- ]] && ended=1
	done
	if [[ -n $ended ]]; then
		kind=$args list=$words
		__PROGRAM_fill "$cur" ''
	elif [[ $prev == --* ]] && __PROGRAM_value "$verb" "$prev"; then
		__PROGRAM_fill "$cur" ''
	elif [[ $prev == -[!-]* ]] && __PROGRAM_letter "$verb" "$prev" && ((letters == ${#prev})); then
		__PROGRAM_fill "$cur" ''
	elif [[ $cur == --*=* ]]; then
		{ __PROGRAM_value "$verb" "${cur%%=*}" || __PROGRAM_value "$verb" "${cur%%=*}="; } &&
			__PROGRAM_fill "${cur#*=}" "${cur%%=*}="
	elif [[ $cur == -[!-]?* ]] && __PROGRAM_letter "$verb" "$cur" && ((letters < ${#cur})); then
		__PROGRAM_fill "${cur:letters}" "${cur:0:letters}"
	elif [[ $cur == -* ]]; then
		kind=words list=$flags
		__PROGRAM_fill "$cur" ''
	else
		kind=$args list=$words
		__PROGRAM_fill "$cur" ''
	fi
	if [[ -n $cut ]]; then
		for ((i = 0; i < ${#COMPREPLY[@]}; i++)); do
			COMPREPLY[i]=${COMPREPLY[i]#"$cut"}
		done
	fi
}

complete -F _PROGRAM NAMES
`
