package syntax

import (
	"strconv"
	"strings"

	"bluetrail/internal/diag"
)

func (p *Parser) optionAhead() bool {
	mark := p.pos
	defer func() { p.pos = mark }()
	p.take(argMode)
	tok, err := p.peek(argMode)
	return err == nil && tok.Is("=")
}

// Option is a name=value argument as read.
type Option struct {
	Name  string // lower case
	Value Token
	Span  diag.Span
}

// Option reads name=value if that is what stands next. The value is one word
// or quoted text, read to the next blank or comma.
func (p *Parser) Option() (Option, bool, error) {
	tok := p.Peek()
	if tok.Kind != Word || !p.optionAhead() {
		return Option{}, false, nil
	}
	p.take(argMode)
	p.take(argMode)
	val, err := p.take(valueMode)
	if err != nil {
		return Option{}, false, err
	}
	if val.Kind != Word && val.Kind != Quoted {
		return Option{}, false, p.Unexpected(val, "a value for %s", tok.Text)
	}
	return Option{Name: strings.ToLower(tok.Text), Value: val, Span: tok.Span.Join(val.Span)}, true, nil
}

// Options reads every name=value argument that stands here; set stores one
// and reports false for a name it does not know.
func (p *Parser) Options(known []string, set func(o Option) error) error {
	for {
		tok := p.Peek()
		o, ok, err := p.Option()
		if err != nil || !ok {
			return err
		}
		if !isAny(o.Name, known) {
			o.Span = tok.Span
			return o.Unknown(known...)
		}
		if err := set(o); err != nil {
			return err
		}
		p.Accept(",")
	}
}

// Unknown returns the error for an option that is none of those known.
func (o Option) Unknown(known ...string) *diag.Error {
	return diag.At(o.Span, "unknown option %q", o.Name).WithHint("%s", diag.Suggest(o.Name, known, "options"))
}

// Bool reads the option's value as true or false.
func (o Option) Bool() (bool, error) {
	switch strings.ToLower(o.Value.Text) {
	case "t", "true", "1", "yes", "y":
		return true, nil
	case "f", "false", "0", "no", "n":
		return false, nil
	}
	return false, diag.At(o.Value.Span, "%s must be true or false, not %q", o.Name, o.Value.Text)
}

// Int reads the option's value as an integer of at least low.
func (o Option) Int(low int) (int, error) {
	n, err := strconv.Atoi(o.Value.Text)
	if err != nil || n < low {
		return 0, diag.At(o.Value.Span, "%s must be a whole number of at least %d, not %q", o.Name, low, o.Value.Text)
	}
	return n, nil
}

// OptionsAndFields reads options, as Options does, and names of fields, in any
// order up to the end of the arguments.
func (p *Parser) OptionsAndFields(known []string, set func(o Option) error) (fields []string, err error) {
	for !p.AtEnd() {
		if err := p.Options(known, set); err != nil || p.AtEnd() {
			return fields, err
		}
		names, err := p.Fields()
		if err != nil {
			return nil, err
		}
		fields = append(fields, names...)
	}
	return fields, nil
}
