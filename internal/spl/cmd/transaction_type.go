package cmd

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
)

// transactionType returns the settings of a stanza of transactiontypes.conf.
func transactionType(known exec.Knowledge, name string) (map[string]string, error) {
	if known == nil {
		return nil, fmt.Errorf("there is no transaction type %q: no knowledge folder is known (give one with --knowledge)", name)
	}
	if settings, ok := known.TransactionType(name); ok {
		return settings, nil
	}
	hint := cmp.Or(diag.Suggest(name, known.TransactionTypeNames(), "transaction types"), "transactiontypes.conf of the knowledge folder defines them")
	return nil, fmt.Errorf("there is no transaction type %q (%s)", name, hint)
}

// typeOptions converts the settings of a transaction type to options.
func typeOptions(settings map[string]string) string {
	var b strings.Builder
	for _, name := range transactionOptions {
		value := strings.TrimSpace(settings[name])
		switch {
		case value == "" || name == "name":
			continue
		case name == "startswith", name == "endswith": // a search, which has quotes of its own
		case name == "fields" || !strings.HasPrefix(value, `"`):
			value = filter.Quote(strings.Trim(value, `"`))
		}
		b.WriteString(name + "=" + value + " ")
	}
	return b.String()
}

// Define implements exec.Defined. The settings of the type come before the options,
// so that the options win; fields named here replace those of the type.
func (c *Transaction) Define(known exec.Knowledge) (syntax.Command, error) {
	if c.Type == "" {
		return c, nil
	}
	settings, err := transactionType(known, c.Type)
	if err != nil {
		return nil, err
	}
	text := c.own
	if len(c.Fields) > 0 {
		settings = withoutFields(settings)
	}
	q, err := syntax.Parse("| transaction " + typeOptions(settings) + text)
	if err != nil {
		return nil, fmt.Errorf("cannot read transaction type %q: %w", c.Type, err)
	}
	d, ok := q.Stages[0].Cmd.(*Transaction)
	if !ok || len(q.Stages) > 1 {
		return nil, fmt.Errorf("cannot read transaction type %q: its settings are not valid options", c.Type)
	}
	d.Type = ""
	return d, nil
}

func withoutFields(settings map[string]string) map[string]string {
	out := map[string]string{}
	for name, value := range settings {
		if name != "fields" {
			out[name] = value
		}
	}
	return out
}

// typeFields are the fields of a transaction type.
func typeFields(settings map[string]string) []string {
	return slices.Compact(fieldList(strings.Trim(settings["fields"], `"`)))
}
