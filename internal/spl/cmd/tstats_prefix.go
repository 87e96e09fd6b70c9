package cmd

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
)

// prefixes are the arguments of PREFIX(…) in a tstats. They are also the names
// of the resulting fields.
type prefixes []string

func (x *prefixes) add(text string) {
	if !slices.Contains(*x, text) {
		*x = append(*x, text)
	}
}

// fields is Parser.Fields, but also accepts PREFIX(text) as a field.
func (x *prefixes) fields(p *syntax.Parser, stop ...string) ([]string, error) {
	var list []string
	for {
		for p.Accept(",") {
		}
		if text, ok, err := op.ParsePrefix(p); err != nil {
			return nil, err
		} else if ok {
			x.add(text)
			list = append(list, text)
			continue
		}
		if len(list) > 0 && p.AtEnd() {
			return list, nil
		}
		mark := p.Pos()
		names, err := p.Fields(append(stop, "prefix")...)
		if err != nil {
			if len(list) > 0 {
				p.Reset(mark)
				return list, nil
			}
			return nil, err
		}
		list = append(list, names...)
		if !p.Peek().IsWord("prefix") {
			return list, nil
		}
	}
}

// print formats fields so that parsing returns them unchanged.
func (x prefixes) print(names []string) string {
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = syntax.PrintField(name)
		if slices.Contains(x, name) {
			parts[i] = "PREFIX(" + name + ")"
		}
	}
	return strings.Join(parts, " ")
}

// pipeline returns the commands that create the fields. A prefix matches after
// a major breaker, and its value ends before the next one.
func (x prefixes) pipeline() []string {
	const breakers = `[\[\]<>(){}|!;,'\x22*\s&?+]`
	var parts []string
	for i, text := range x {
		name := "prefix" + strconv.Itoa(i)
		re := "(?i)(?:^|" + breakers + ")" + strings.ReplaceAll(regexp.QuoteMeta(text), `"`, `\x22`) + "(?<" + name + ">[^" + breakers[1:] + "+)"
		parts = append(parts, `rex max_match=0 "`+re+`"`, "eval "+syntax.PrintTarget(text)+"=lower("+name+")")
	}
	return parts
}
