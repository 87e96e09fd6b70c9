package syntax

import (
	"cmp"
	"errors"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/vector"
)

// maxMacroDepth bounds macros inside macros, as Splunk does.
const maxMacroDepth = 100

// What the definitions of one search may come to: in bytes, before they are put
// together, and in calls. A macro that uses itself twice reaches them long before
// the depth.
const (
	maxMacroText  = 4 * MaxText
	maxMacroCalls = 50000
)

// expansion puts the definitions of macros into a search.
type expansion struct {
	macros Macros
	eval   func(expr string) (vector.Value, error)
	depth  int
	calls  int
	bytes  int // of the definitions
}

// takes counts a definition in which values stand for their names, before it is
// made; false when it is too much.
func (x *expansion) takes(text string, names, values []string) bool {
	x.calls++
	x.bytes += filledSize(text, names, values)
	return x.calls <= maxMacroCalls && x.bytes <= maxMacroText
}

// filledSize is at least how long text is with values in the place of $name$.
func filledSize(text string, names, values []string) int {
	n := len(text)
	for i, name := range names {
		if n > maxMacroText {
			break
		}
		n += strings.Count(text, "$"+name+"$") * len(values[i])
	}
	return n
}

// ExpandMacros puts the definitions of all `macros` into a search. A macro
// whose name ends in _filter and that nothing defines lets everything pass, as
// the published content has it. Macros are not looked for in quoted text. eval
// computes definitions and validations that are expressions; see EvalConstant.
func ExpandMacros(text string, m Macros, eval func(expr string) (vector.Value, error)) (string, error) {
	out, err := (&expansion{macros: m, eval: eval}).expand(text)
	var e *diag.Error
	if errors.As(err, &e) && e.Src == "" {
		e.Src, e.Name = text, "search"
	}
	return out, err
}

func (x *expansion) expand(text string) (string, error) {
	if !strings.Contains(text, "`") {
		return text, nil
	}
	var b strings.Builder
	s := scanner{src: text, end: len(text)}
	from := 0
	for s.pos < s.end {
		switch {
		case strings.HasPrefix(text[s.pos:], comment):
			if _, err := s.space(); err != nil {
				return "", err
			}
		case text[s.pos] == '"':
			if _, err := s.quoted('"', argMode); err != nil {
				return "", err
			}
		case text[s.pos] == '`':
			start := s.pos
			name, args, err := s.macroCall()
			if err != nil {
				return "", err
			}
			def, err := x.text(name, args, diag.Span{Start: start, End: s.pos})
			if err != nil {
				return "", err
			}
			if x.depth++; x.depth > maxMacroDepth {
				return "", diag.At(diag.Span{Start: start, End: s.pos}, "macro %q is nested more than %d deep", name, maxMacroDepth).WithHint("does it use itself?")
			}
			def, err = x.expand(def)
			x.depth--
			if err != nil {
				return "", inMacro(err, name, diag.Span{Start: start, End: s.pos})
			}
			b.WriteString(text[from:start])
			b.WriteString(def)
			if b.Len() > MaxText {
				return "", diag.At(diag.Span{Start: start, End: s.pos}, "macro %q makes the search longer than %d bytes", name, MaxText)
			}
			from = s.pos
		default:
			s.pos++
		}
	}
	b.WriteString(text[from:])
	return b.String(), nil
}

// inMacro moves an error inside a definition to the place of the call.
func inMacro(err error, name string, call diag.Span) error {
	var e *diag.Error
	if !errors.As(err, &e) || e.Src != "" {
		return err
	}
	in := "in macro `" + name + "`: "
	if strings.HasPrefix(e.Msg, in) { // it uses itself
		in = ""
	}
	return &diag.Error{Span: call, Msg: in + e.Msg, Hint: e.Hint}
}

// macroCall reads `name` or `name(a, "b, c")`; the scanner stands at the
// opening backtick.
func (s *scanner) macroCall() (name string, args []string, err error) {
	start := s.pos
	unclosed := func() error {
		return diag.At(diag.Span{Start: start, End: start + 1}, "macro is not closed").WithHint("end it with a backtick")
	}
	s.pos++
	from := s.pos
	for s.pos < s.end && s.src[s.pos] != '`' && s.src[s.pos] != '(' {
		s.pos++
	}
	if s.pos >= s.end {
		return "", nil, unclosed()
	}
	name = strings.TrimSpace(s.src[from:s.pos])
	if s.src[s.pos] == '`' {
		s.pos++
		return name, nil, nil
	}
	s.pos++
	depth, argStart := 0, s.pos
	arg := func() {
		args = append(args, macroArgument(s.src[argStart:s.pos]))
	}
	for s.pos < s.end {
		switch c := s.src[s.pos]; {
		case c == '"':
			if _, err := s.quoted('"', argMode); err != nil {
				return "", nil, err
			}
			continue
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		case c == ')':
			if strings.TrimSpace(s.src[argStart:s.pos]) != "" || len(args) > 0 {
				arg()
			}
			s.pos++
			if _, err := s.space(); err != nil {
				return "", nil, err
			}
			if s.pos >= s.end || s.src[s.pos] != '`' {
				return "", nil, unclosed()
			}
			s.pos++
			return name, args, nil
		case c == ',' && depth == 0:
			arg()
			argStart = s.pos + 1
		}
		s.pos++
	}
	return "", nil, unclosed()
}

// text returns the definition of a macro with its arguments in place.
func (x *expansion) text(name string, args []string, call diag.Span) (string, error) {
	m := x.macros
	if strings.EqualFold(name, "comment") {
		return "", nil
	}
	var def Macro
	ok := false
	if m != nil {
		def, ok = m.Macro(name, len(args))
	}
	if !ok {
		if strings.HasSuffix(name, "_filter") && len(args) == 0 {
			return "search *", nil
		}
		e := diag.At(call, "unknown macro %q with %s", name, plural(len(args)))
		if m != nil {
			e.Hint = cmp.Or(otherMacro(name, len(args), m), diag.DidYouMean(name, m.MacroNames()))
		}
		if e.Hint == "" {
			e.Hint = "define it in macros.conf of the folder given with --knowledge"
		}
		return "", e
	}
	if !x.takes(def.Definition, def.Args, args) || filledSize(def.Validation, def.Args, args) > MaxText {
		return "", diag.At(call, "macro %q makes the search too long: macros may expand to %d MiB and %d calls in total", name, maxMacroText>>20, maxMacroCalls).WithHint("does it use itself?")
	}
	text := putArguments(def.Definition, def.Args, args)
	if def.Validation != "" {
		v, err := x.eval(putArguments(def.Validation, def.Args, args))
		if err != nil {
			return "", diag.At(call, "cannot check the arguments of macro %q: %v", name, err)
		}
		if v.Kind() == vector.Bool && !v.True() || v.Kind() == vector.Text && !v.IsNull() {
			msg := def.ErrorMsg
			if v.Kind() == vector.Text {
				msg = v.Text()
			}
			return "", diag.At(call, "macro %q rejects its arguments: %s", name, msg)
		}
	}
	if def.IsEval {
		v, err := x.eval(text)
		if err != nil {
			return "", diag.At(call, "cannot compute macro %q: %v", name, err)
		}
		if v.IsNull() {
			return "", diag.At(call, "macro %q has no value: its definition must return text", name)
		}
		return v.Text(), nil
	}
	return text, nil
}

// macroArgument is an argument as it goes into the definition: without the
// blanks around it, and without the quotes when it stands in them as a whole.
func macroArgument(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || s[0] != '"' {
		return s
	}
	q := scanner{src: s, end: len(s)}
	text, err := q.quoted('"', argMode)
	if err != nil || q.pos < len(s) {
		return s
	}
	return text
}

// putArguments puts values in the place of $name$. They bring no places of
// their own.
func putArguments(text string, names, values []string) string {
	var pairs []string
	for i, name := range names {
		pairs = append(pairs, "$"+name+"$", values[i])
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// maxMacroArguments bounds with how many arguments a macro is looked for when
// it is not there with those that were given.
const maxMacroArguments = 20

// otherMacro says how many arguments the macro of this name takes.
func otherMacro(name string, args int, m Macros) string {
	var counts []string
	for n := range maxMacroArguments {
		if _, ok := m.Macro(name, n); ok && n != args {
			counts = append(counts, strconv.Itoa(n))
		}
	}
	if counts == nil {
		return ""
	}
	return "it exists with " + strings.Join(counts, " and ") + " instead"
}

// Macros gives the definition of a macro by its name and number of arguments.
type Macros interface {
	Macro(name string, args int) (Macro, bool)
	MacroNames() []string
}

// Macro is one macro definition.
type Macro struct {
	Name       string
	Args       []string
	Definition string
	IsEval     bool
	Validation string
	ErrorMsg   string
}
