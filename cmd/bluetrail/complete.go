package main

import (
	"fmt"
	"slices"
	"strings"

	"bluetrail/internal/spl/syntax"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" help:"bash, zsh or fish." enum:"bash,zsh,fish"`
}

// Help implements kong.HelpProvider.
func (*completionCmd) Help() string {
	return examples(
		"bluetrail completion bash > /etc/bash_completion.d/bluetrail",
		`bluetrail completion zsh > "${fpath[1]}/_bluetrail"`,
		"bluetrail completion fish > ~/.config/fish/completions/bluetrail.fish",
	)
}

// completions are the scripts of the shells. They ask the command itself, one
// candidate a line; without one, the shell completes file names.
var completions = map[string]string{
	"bash": `_bluetrail() {
	local IFS=$'\n'
	COMPREPLY=($(bluetrail __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -o bashdefault -F _bluetrail bluetrail
`,
	"zsh": `#compdef bluetrail
_bluetrail() {
	local -a found
	found=("${(@f)$(bluetrail __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
	if [[ -n "$found" ]]; then
		compadd -- "${found[@]}"
	else
		_files
	fi
}
if [[ "${funcstack[1]}" = _bluetrail ]]; then
	_bluetrail "$@"
else
	compdef _bluetrail bluetrail
fi
`,
	"fish": `function __bluetrail_complete
	set -l words (commandline -opc) (commandline -ct)
	bluetrail __complete $words[2..-1] 2>/dev/null
end
complete -c bluetrail -a '(__bluetrail_complete)'
`,
}

func (c *completionCmd) Run(a *app) error {
	_, err := fmt.Fprint(a.out, completions[c.Shell])
	return err
}

// completeCmd answers the completion scripts.
type completeCmd struct {
	Words []string `arg:"" optional:""`
}

func (c *completeCmd) Run(a *app, model *kong.Application) error {
	for _, word := range candidates(model, c.Words) {
		if _, err := fmt.Fprintln(a.out, word); err != nil {
			return err
		}
	}
	return nil
}

// candidates returns what the last of the words may become.
func candidates(model *kong.Application, words []string) (list []string) {
	if len(words) == 0 {
		words = []string{""}
	}
	node, before, last := model.Node, "", words[len(words)-1]
	for _, w := range words[:len(words)-1] {
		if i := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == w && !n.Hidden }); i >= 0 {
			node = node.Children[i]
		}
		before = w
	}
	add := func(word string) {
		if strings.HasPrefix(word, last) {
			list = append(list, word)
		}
	}
	name, value, assigned := strings.Cut(last, "=")
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			flag := "--" + f.Name
			short := "-" + string(f.Short)
			switch {
			case (before == flag || before == short) && !f.IsBool():
				return prefixed(f.EnumSlice(), last)
			case assigned && name == flag:
				for _, v := range prefixed(f.EnumSlice(), value) {
					list = append(list, flag+"="+v)
				}
				return list
			case strings.HasPrefix(last, "-"):
				add(flag)
			}
		}
	}
	if strings.HasPrefix(last, "-") {
		slices.Sort(list)
		return list
	}
	for _, n := range node.Children {
		if !n.Hidden {
			add(n.Name)
		}
	}
	if node.Parent == nil {
		add("help")
	}
	for _, p := range node.Positional {
		for _, v := range p.EnumSlice() {
			add(v)
		}
	}
	if node.Name == "commands" {
		for _, n := range syntax.Names() {
			add(n)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func prefixed(words []string, prefix string) (list []string) {
	for _, w := range words {
		if w != "" && strings.HasPrefix(w, prefix) {
			list = append(list, w)
		}
	}
	return list
}
