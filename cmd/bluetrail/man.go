package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

type manCmd struct{}

// Help implements kong.HelpProvider.
func (*manCmd) Help() string {
	return examples("bluetrail man | man -l -", "bluetrail man > /usr/local/share/man/man1/bluetrail.1")
}

func (*manCmd) Run(a *app, model *kong.Application) error {
	_, err := fmt.Fprint(a.out, manual(model))
	return err
}

// manual writes the manual page of the command line in the man macros of roff.
func manual(model *kong.Application) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH BLUETRAIL 1 \"\" %s \"User Commands\"\n.SH NAME\nbluetrail \\- search AWS CloudTrail with SPL\n", roffArg("bluetrail "+version))
	b.WriteString(".SH SYNOPSIS\n.B bluetrail\n.I command\n[\\fIflags\\fR] [\\fIarguments\\fR]\n.SH DESCRIPTION\n")
	paragraphs(&b, model.Help)
	b.WriteString(".SH OPTIONS\n")
	flags(&b, model.Flags)
	b.WriteString(".SH COMMANDS\n")
	for _, n := range model.Leaves(true) {
		path := strings.TrimPrefix(n.FullPath(), model.Name+" ")
		usage := "bluetrail " + path
		for _, p := range n.Positional {
			usage += " " + p.Summary()
		}
		fmt.Fprintf(&b, ".SS %s\n", roffArg(usage))
		paragraphs(&b, n.Help)
		for _, p := range n.Positional {
			fmt.Fprintf(&b, ".TP\n.I %s\n%s\n", roffArg("<"+p.Name+">"), roff(p.Help))
		}
		flags(&b, n.Flags)
		paragraphs(&b, n.Detail)
	}
	b.WriteString(`.SH ENVIRONMENT
.TP
.B BLUETRAIL_CONFIG, BLUETRAIL_DATA
The configuration file and the data directory.
.TP
.B TZ
The time zone of the times shown.
.TP
.B BLUETRAIL_PAGER, PAGER
The pager of long output on a terminal; less by default, cat for none.
.TP
.B NO_COLOR
No colours when it is set.
.SH EXIT STATUS
.TP
.B 0
Success.
.TP
.B 1
Failure.
.TP
.B 2
Invalid usage or an invalid search.
.TP
.B 3
Success, but some input could not be read.
`)
	return b.String()
}

func flags(b *strings.Builder, list []*kong.Flag) {
	for _, f := range list {
		if f.Hidden {
			continue
		}
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roffArg(f.String()), roff(f.Help))
	}
}

// paragraphs writes text whose lines that begin with a tab are shown as they are.
func paragraphs(b *strings.Builder, text string) {
	code := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch trimmed, indented := strings.CutPrefix(line, "\t"); {
		case indented && !code:
			code = true
			b.WriteString(".PP\n.nf\n.RS\n" + roff(trimmed) + "\n")
		case indented:
			b.WriteString(roff(trimmed) + "\n")
		case line == "" && !code:
			b.WriteString(".PP\n")
		case line != "":
			if code {
				b.WriteString(".RE\n.fi\n.PP\n")
				code = false
			}
			b.WriteString(roff(line) + "\n")
		}
	}
	if code {
		b.WriteString(".RE\n.fi\n")
	}
}

// roff escapes a line of text.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}

// roffArg escapes a text that is one argument of a macro.
func roffArg(s string) string { return `"` + strings.ReplaceAll(roff(s), `"`, `\(dq`) + `"` }
