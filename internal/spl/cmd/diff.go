package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Diff compares the texts of two rows line by line.
type Diff struct {
	Rows    [2]int // row numbers, from 1
	Field   string
	Header  bool
	Context bool
	Max     int // characters compared in each text, 0 = all
}

const diffMax = 100000

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "diff", Kind: syntax.KindSerial,
		Summary: "Compare two rows line by line.",
		Syntax:  "diff [position1=<n>] [position2=<n>] [attribute=<field>] [diffheader=<bool>] [context=<bool>] [maxlen=<n>]",
		Doc: "The result is one row whose `_raw` holds the lines that differ, prefixed with `-` if only the first text has them and\n" +
			"with `+` if only the second does, with up to three lines of context; or `Results are the same` if nothing differs.\n" +
			"JSON objects are formatted first, one member per line.",
		Args: []syntax.Arg{
			{Name: "position1, position2", Default: "1, 2", Doc: "The row numbers; also `pos1` and `pos2`."},
			{Name: "attribute", Default: "_raw", Doc: "The field to compare."},
			{Name: "diffheader", Default: "false", Doc: "Start with two lines that name the texts."},
			{Name: "context", Default: "false", Doc: "Show each text separately, as context diffs do."},
			{Name: "maxlen", Default: "100000", Doc: "Number of characters of each text to compare; 0 means all."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=json data="[{\"doc\":{\"Effect\":\"Allow\",\"Action\":\"s3:Get*\"}},{\"doc\":{\"Effect\":\"Allow\",\"Action\":\"s3:*\"}}]" | diff attribute=doc`,
			Want:   []string{`{"_raw":"@@ -1,4 +1,4 @@\n {\n   \"Effect\": \"Allow\",\n-  \"Action\": \"s3:Get*\"\n+  \"Action\": \"s3:*\"\n }"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Diff{Rows: [2]int{1, 2}, Field: "_raw", Max: diffMax}
			err := p.Options([]string{"position1", "position2", "pos1", "pos2", "attribute", "diffheader", "context", "maxlen"}, func(o syntax.Option) (err error) {
				switch o.Name {
				case "position1", "pos1":
					c.Rows[0], err = o.Int(1)
				case "position2", "pos2":
					c.Rows[1], err = o.Int(1)
				case "attribute":
					c.Field = o.Value.Text
				case "diffheader":
					c.Header, err = o.Bool()
				case "context":
					c.Context, err = o.Bool()
				case "maxlen":
					c.Max, err = o.Int(0)
				}
				return err
			})
			return c, err
		},
	})
}

// Print implements syntax.Command.
func (c *Diff) Print() string {
	s := fmt.Sprintf("diff position1=%d position2=%d", c.Rows[0], c.Rows[1])
	if c.Field != "_raw" {
		s += " attribute=" + syntax.PrintOption(c.Field)
	}
	if c.Header {
		s += " diffheader=true"
	}
	if c.Context {
		s += " context=true"
	}
	if c.Max != diffMax {
		s += " maxlen=" + strconv.Itoa(c.Max)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Diff) Needs(filter.FieldSet) filter.FieldSet { return filter.Fields(c.Field) }

// Tabulates says that the rows are no longer events.
func (c *Diff) Tabulates() bool { return true }

// Open implements exec.Serial. It reads only the rows that it compares.
func (c *Diff) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	first := &op.First{In: in, Left: max(c.Rows[0], c.Rows[1])}
	return op.Gathered(env, first, func(_ context.Context, rows []*vector.Batch) (exec.Operator, error) {
		var texts [2]string
		for n, at := range c.Rows {
			left := at - 1
			found := false
			for _, b := range rows {
				env.Poll()
				if left < b.Len {
					texts[n], found = b.At(c.Field, left).Text(), true
					break
				}
				left -= b.Len
			}
			if !found {
				return nil, fmt.Errorf("diff has no row %d to compare", at)
			}
			if c.Max > 0 {
				if r := []rune(texts[n]); len(r) > c.Max {
					texts[n] = string(r[:c.Max])
					env.Warn("diff compares the first %d characters of each text; raise maxlen= to compare more", c.Max)
				}
			}
		}
		return oneCell("_raw", c.compare(env, layOut(texts[0]), layOut(texts[1]))), nil
	}), nil
}

// layOut splits a text into lines. A JSON object or array is laid out with one
// member per line.
func layOut(s string) []string {
	var b bytes.Buffer
	if t := strings.TrimSpace(s); strings.HasPrefix(t, "{") || strings.HasPrefix(t, "[") {
		if json.Indent(&b, []byte(t), "", "  ") == nil {
			s = b.String()
		}
	}
	if s = strings.TrimSuffix(s, "\n"); s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// compare formats the differences between lines a and b.
func (c *Diff) compare(env *exec.Env, a, b []string) string {
	edits, exact := editsOf(a, b)
	if !exact {
		env.Warn("the texts differ in so many lines that diff shows the changed part as one block")
	}
	groups := grouped(edits)
	if len(groups) == 0 {
		return "Results are the same"
	}
	var out []string
	marks := [2]string{"---", "+++"}
	if c.Context {
		marks = [2]string{"***", "---"}
	}
	if c.Header {
		out = append(out, fmt.Sprintf("%s %s of row %d", marks[0], c.Field, c.Rows[0]), fmt.Sprintf("%s %s of row %d", marks[1], c.Field, c.Rows[1]))
	}
	for _, group := range groups {
		if c.Context {
			out = append(out, contextLines(group, a, b)...)
		} else {
			out = append(out, unifiedLines(group, a, b)...)
		}
	}
	return strings.Join(out, "\n")
}
