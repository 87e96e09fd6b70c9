package cmd

import (
	"context"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
)

// Sendemail sends the rows by an output of type email and passes them on.
type Sendemail struct {
	To       []string
	Subject  string
	Message  string
	Graceful bool
}

// ignoredMail are options of sendemail that concern Splunk's own mails and servers.
var ignoredMail = []string{"from", "format", "inline", "sendresults", "sendpdf", "sendcsv", "priority", "server", "content_type", "footer", "use_ssl", "use_tls", "maxinputs", "maxtime", "width_sort_columns", "pdfview", "papersize", "paperorientation", "sslversions", "sslcommonnametocheck", "sslaltnametocheck", "cafile", "results_link", "preprocess_results", "subject_alert", "subject_report", "message_alert", "message_report", "allow_empty_attachment", "include.results_link", "include.view_link", "include.search", "include.trigger", "include.trigger_time", "responsiblerole", "escapecsvnewline", "bcc", "cc"}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "sendemail", Kind: syntax.KindSerial,
		Summary: "Send the rows by e-mail and pass them on.",
		Syntax:  `sendemail to="<address>, …" [subject=<text>] [message=<text>] [cc="<address>, …"] [bcc="<address>, …"] [graceful=<bool>]`,
		Doc: "An output of type email of the configuration sends the mail, see docs/outputs.md. Its `to` must list all addresses, so\n" +
			"that searches reach nobody else. Otherwise like sendalert: the mail is plain text and holds the first 100 rows, and\n" +
			"without rows nothing is sent.",
		Args: []syntax.Arg{
			{Name: "to, cc, bcc", Doc: "Addresses. Everybody gets a visible copy."},
			{Name: "subject", Default: "Result of a search", Doc: "The subject."},
			{Name: "message", Doc: "The text above the rows."},
			{Name: "graceful", Default: "false", Doc: "Warn when the mail cannot be sent, instead of failing."},
			{Name: "from, server, format, priority and others", Doc: "Accepted for compatibility; ignored. The output says who sends and by which server."},
		},
		Examples: []syntax.Example{{
			Doc:    "Rows that are sent are passed on; here there is none.",
			Search: `| makeresults | eval user="bob" | table user | where user="alice" | sendemail to="soc@example.com" subject="Alice was here"`,
		}},
		Parse: parseSendemail,
	})
}

func parseSendemail(p *syntax.Parser) (syntax.Command, error) {
	c := &Sendemail{Subject: "Result of a search"}
	start := p.Peek().Span
	addresses := func(s string) {
		c.To = append(c.To, strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ';' || r == ' ' })...)
	}
	err := p.Options(append([]string{"to", "subject", "message", "graceful"}, ignoredMail...), func(o syntax.Option) (err error) {
		switch o.Name {
		case "to", "cc", "bcc":
			addresses(o.Value.Text)
		case "subject":
			c.Subject = o.Value.Text
		case "message":
			c.Message = o.Value.Text
		case "graceful":
			c.Graceful, err = o.Bool()
		}
		return err
	})
	if err == nil && len(c.To) == 0 {
		err = diag.At(start, `sendemail needs to="<address>"`)
	}
	return c, err
}

// Print implements syntax.Command.
func (c *Sendemail) Print() string {
	s := "sendemail to=" + syntax.PrintOption(strings.Join(c.To, ",")) + " subject=" + syntax.PrintOption(c.Subject)
	if c.Message != "" {
		s += " message=" + syntax.PrintOption(c.Message)
	}
	if c.Graceful {
		s += " graceful=true"
	}
	return s
}

// Needs implements syntax.Command.
func (c *Sendemail) Needs(out filter.FieldSet) filter.FieldSet { return out.Union(filter.AllFields()) }

// Open implements exec.Serial.
func (c *Sendemail) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return sending(env, in, "sendemail", exec.Sending{To: c.To, Title: c.Subject, Text: c.Message}, c.Graceful), nil
}
