package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/syntax"
)

// timeFlags take a time, which may begin with a minus sign.
var timeFlags = []string{"--earliest", "--latest", "--now"}

// arguments rewrites what the parser does not know by itself: help as a
// command, and a time such as -7d as a word of its own.
func arguments(args []string) []string {
	if len(args) == 0 {
		return []string{"--help"}
	}
	if args[0] == "help" {
		return append(slices.Clone(args[1:]), "--help")
	}
	var out []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return append(out, args[i:]...)
		}
		if slices.Contains(timeFlags, arg) && i+1 < len(args) && relativeTime(args[i+1]) {
			i++
			arg += "=" + args[i]
		}
		out = append(out, arg)
	}
	return out
}

// relativeTime reports whether an argument is a time before now, not a flag.
func relativeTime(arg string) bool {
	after, minus := strings.CutPrefix(arg, "-")
	return minus && after != "" && after[0] != '-' && (after[0] >= '0' && after[0] <= '9' || strings.Contains(after, "@"))
}

// argumentHint says what to type instead of arguments that cannot be parsed,
// "" where the error says it.
func argumentHint(args []string, err error) string {
	if errors.As(err, new(*searchTextError)) {
		return ""
	}
	verb := ""
	if i := slices.IndexFunc(args, func(a string) bool { return !strings.HasPrefix(a, "-") }); i >= 0 {
		verb = args[i]
	}
	if verb == "search" || slices.Contains(args, "explain") {
		if strings.HasPrefix(err.Error(), "unexpected argument ") {
			for i, arg := range args {
				if exists(arg) && (i == 0 || !strings.HasPrefix(args[i-1], "--")) {
					return fmt.Sprintf("%q is a path: give each path with --files, or quote the pattern: bluetrail search --files '*.json.gz' '*'", arg)
				}
			}
			return "quote the whole search, so that the shell passes it as one argument: bluetrail search 'eventName=ConsoleLogin | head 5'"
		}
		if strings.Contains(err.Error(), `expected "<search>"`) {
			return "the search is missing; * finds everything: bluetrail search --files PATH '*'"
		}
	}
	if word, ok := strings.CutPrefix(err.Error(), "unexpected argument "); ok && verb == word {
		if exists(word) {
			return fmt.Sprintf("to search files: bluetrail search --files %s '*'", word)
		}
		if near := diag.DidYouMean(word, verbNames()); near != "" {
			return near
		}
		if syntax.LookupCommand(word) != nil || strings.ContainsAny(word, "=|*") {
			return "to run a search: bluetrail search '" + strings.Join(args, " ") + "'"
		}
	}
	return "bluetrail help lists the commands, bluetrail help COMMAND its flags and examples"
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
