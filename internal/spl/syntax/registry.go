package syntax

import (
	"fmt"
	"slices"
	"strings"

	"bluetrail/internal/vector"
)

// Kind says how a command treats rows; see the Command interfaces.
type Kind string

// The kinds of commands.
const (
	KindStreaming    Kind = "streaming"
	KindTransforming Kind = "transforming"
	KindSerial       Kind = "ordered"
	KindGenerating   Kind = "generating"
)

// Arg documents one argument of a command.
type Arg struct {
	Name    string // as it is written: "limit", "<field-list>"
	Default string // "" = none
	Doc     string // one sentence
}

// Example is a search that the documentation shows and that is run as a test.
type Example struct {
	Doc    string   // what it shows
	Events []string // JSON objects that are the events; none for generating searches
	Lookup string   // a table called example.csv that the search uses; "" = none
	Saved  string   // the saved search called example; "" = none
	Txn    string   // the settings, a line each, of the transaction type called example; "" = none
	Search string
	Want   []string // result rows as compact JSON objects, in order
}

// CommandDef is the one registration of a command: parser, documentation,
// examples. Everything that lists commands derives from it.
type CommandDef struct {
	Name     string
	Aliases  []string
	Kind     Kind
	Summary  string // one sentence
	Syntax   string
	Args     []Arg
	Doc      string // Markdown: meaning, limits, differences from Splunk
	Examples []Example
	// Parse reads the arguments; the name is consumed already. It must leave
	// the parser at the end of the command.
	Parse func(p *Parser) (Command, error)
}

// FunctionDef is the one registration of an eval function; one that needs the
// compiler adds an Implementation.
type FunctionDef struct {
	Name     string
	Aliases  []string
	Group    string // as in Splunk's reference: "Text", "Multivalue", …
	Min, Max int    // number of arguments; Max < 0 = any
	Syntax   string
	Doc      string
	Examples []Example
	// Call computes the function on values; it must not panic on any of them.
	// Functions that need more than their arguments' values have an
	// Implementation instead.
	Call func(args []vector.Value) vector.Value
	// Try is Call for functions whose outcome has a bound: its error is a warning
	// of the search, and the value beside it, mostly null, stands.
	Try func(args []vector.Value) (vector.Value, error)
	// Check says what is wrong with arguments that are written out, such as a
	// text where a number belongs; nil: nothing can be.
	Check func(call *Call) error
	// Gives says what kind of value the function has.
	Gives Outcome
	// Varies is set when the same arguments may give another value.
	Varies bool
	// Reads names fields the function looks at beside those of its arguments.
	Reads func(call *Call) []string
}

// Outcome is what an expression gives.
type Outcome uint8

// The outcomes: a value that may be stored, the outcome of a test, or what its
// arguments give.
const (
	GivesValue Outcome = iota
	GivesTest
	GivesEither
)

// AggregateDef describes an aggregate function; RegisterAggregate adds its
// constructor.
type AggregateDef struct {
	Name     string // perc stands for perc<n>
	Aliases  []string
	Percent  bool // the name is followed by a number: perc95
	Syntax   string
	Doc      string
	Examples []Example
	NoField  bool // may stand without a field, as count does
	Ordered  bool // the result depends on the order of the rows
	NeedTime bool // reads _time
	Numeric  bool // about numbers: allnum=true withholds the result when a value is none
}

var (
	commands   = map[string]*CommandDef{}
	functions  = map[string]*FunctionDef{}
	aggregates = map[string]*AggregateDef{}
)

func register[D any](table map[string]*D, what string, d *D, names ...string) {
	for _, n := range names {
		n = strings.ToLower(n)
		if table[n] != nil {
			panic(fmt.Sprintf("%s %q is registered twice", what, n))
		}
		table[n] = d
	}
}

// RegisterCommand adds a command; it panics when the name is taken.
func RegisterCommand(d *CommandDef) {
	register(commands, "command", d, append([]string{d.Name}, d.Aliases...)...)
}

// RegisterFunction adds an eval function; it panics when the name is taken.
func RegisterFunction(d *FunctionDef) {
	register(functions, "function", d, append([]string{d.Name}, d.Aliases...)...)
}

// DocumentAggregate adds the description of an aggregate; it panics when the
// name is taken. RegisterAggregate does so together with the constructor.
func DocumentAggregate(d *AggregateDef) {
	register(aggregates, "aggregate", d, append([]string{d.Name}, d.Aliases...)...)
}

// LookupCommand finds a command by name or alias, in any case; nil for none.
func LookupCommand(name string) *CommandDef { return commands[strings.ToLower(name)] }

// LookupFunction finds a function by name or alias, in any case; nil for none.
func LookupFunction(name string) *FunctionDef { return functions[strings.ToLower(name)] }

// Commands returns every command, by name.
func Commands() []*CommandDef {
	return sorted(commands, func(d *CommandDef) string { return d.Name })
}

// Functions returns every function, by name.
func Functions() []*FunctionDef {
	return sorted(functions, func(d *FunctionDef) string { return d.Name })
}

// Aggregates returns every aggregate, by name.
func Aggregates() []*AggregateDef {
	return sorted(aggregates, func(d *AggregateDef) string { return d.Name })
}

func sorted[D any](table map[string]*D, name func(*D) string) []*D {
	var list []*D
	for key, d := range table {
		if key == strings.ToLower(name(d)) {
			list = append(list, d)
		}
	}
	slices.SortFunc(list, func(a, b *D) int { return strings.Compare(name(a), name(b)) })
	return list
}

func names[D any](table map[string]*D) []string {
	list := make([]string, 0, len(table))
	for n := range table {
		list = append(list, n)
	}
	slices.Sort(list)
	return list
}

// LookupAggregate finds an aggregate by name or alias, in any case; percent is
// the number behind a name such as perc95. It returns nil for none.
func LookupAggregate(name string) (d *AggregateDef, percent float64) {
	name = strings.ToLower(name)
	if d := aggregates[name]; d != nil && !d.Percent {
		return d, 0
	}
	base := strings.TrimRight(name, "0123456789.")
	if d := aggregates[base]; d != nil && d.Percent && base != name {
		p, ok := vector.ParseNumber(name[len(base):])
		if ok && p <= 100 {
			return d, p
		}
	}
	return nil, 0
}

// PercentAggregate returns the aggregate whose name is followed by a number,
// such as perc; nil for other names.
func PercentAggregate(name string) *AggregateDef {
	if d := aggregates[strings.ToLower(name)]; d != nil && d.Percent {
		return d
	}
	return nil
}
