package expr

import (
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// MaxValue is the size in bytes of the largest text that an expression makes, and
// MaxList that of a list. A larger value becomes null, with a warning.
const (
	MaxValue = 16 << 20
	MaxList  = 64 << 20 // with what each of its values costs beside its bytes
)

// Program is a compiled expression. It belongs to one goroutine.
type Program struct {
	eval   Eval
	kernel Kernel
	field  string    // the expression is this field, and nothing else
	env    *exec.Env // nil for a constant
	names  []string
	varies bool
	dotted []dotted
	frame  Frame
	bound  *vector.Batch
	every  exec.Every
}

// at computes the expression for row i of the bound batch.
func (p *Program) at(i int) vector.Value {
	p.every.Poll(p.env, 16)
	p.frame.row = i
	return p.eval(&p.frame)
}

func (p *Program) bind(b *vector.Batch) {
	if p.bound == b {
		return
	}
	p.bound, p.frame.work = b, 0
	p.env.Poll()
	for i, name := range p.names {
		p.frame.slots[i].col = b.Col(name)
	}
	if b.Len > 0 && p.env != nil { // the first rows tell what was meant
		for _, d := range p.dotted {
			p.warnOf(d)
		}
		p.dotted = nil
	}
}

// dotted is a chain of fields joined by dots without blanks. Users often mean it as
// the name of a single field.
type dotted struct {
	start int // in the search
	name  string
	slots []int
}

// noteDotted records e if it is such a chain.
func (c *Compiler) noteDotted(e *syntax.Binary) {
	d := dotted{}
	var walk func(e syntax.Expr) bool
	walk = func(e syntax.Expr) bool {
		switch e := e.(type) {
		case *syntax.Field:
			if at := e.Span; at.End-at.Start != len(e.Name) { // in quotes
				return false
			}
			d.slots = append(d.slots, c.Slot(e.Name))
			d.name += "." + e.Name
			return true
		case *syntax.Binary:
			return e.Op == "." && e.L.Place().End+1 == e.R.Place().Start && walk(e.L) && walk(e.R)
		}
		return false
	}
	if !walk(e) {
		return
	}
	d.name = d.name[1:]
	d.start = e.Span.Start
	if last := len(c.dotted) - 1; last >= 0 && c.dotted[last].start == d.start { // a part of it, noted before
		c.dotted = c.dotted[:last]
	}
	c.dotted = append(c.dotted, d)
}

// warnOf warns when no row of the batch has the first field. A derived field may
// have the name of a later part, as userName has that of userIdentity.userName.
func (p *Program) warnOf(d dotted) {
	for _, slot := range d.slots[:1] {
		col := p.frame.slots[slot].col
		for i := 0; col != nil && i < p.bound.Len; i++ {
			if v := col.At(i); !v.IsNull() {
				return
			}
		}
	}
	p.env.Warn("%s concatenates fields that do not exist; to use the field of that name, write '%[1]s' in single quotes", d.name)
}

// Value computes the expression for row i of b. Literals in the search have
// significant digits of their own; they are dropped here, since they are not data.
func (p *Program) Value(b *vector.Batch, i int) vector.Value {
	p.bind(b)
	return p.at(i).Untracked()
}

// Select returns the rows of b for which the expression is true, in order.
func (p *Program) Select(b *vector.Batch) []int32 {
	p.bind(b)
	rows := make([]int32, 0, b.Len)
	if dict, codes, ok := p.coded(b); ok {
		const no, yes = 1, 2
		known := make([]byte, dict)
		for i, code := range codes {
			if known[code] == 0 {
				known[code] = no
				if v := p.at(i); v.True() {
					known[code] = yes
				}
			}
			if known[code] == yes {
				rows = append(rows, int32(i))
			}
		}
		return rows
	}
	var known []Test
	if p.kernel.Tests != nil {
		known = p.kernel.Tests(&p.frame, b.Len)
	}
	for i := range b.Len {
		if known != nil && known[i] != Ask {
			if known[i] == Yes {
				rows = append(rows, int32(i))
			}
			continue
		}
		if v := p.at(i); v.True() {
			rows = append(rows, int32(i))
		}
	}
	return rows
}

// Column computes the expression for every row of b as a column; tests come as
// the texts True and False, without significant digits as in Value. The error is
// *OverBudget, when the values need more memory than the search has left.
func (p *Program) Column(name string, b *vector.Batch) (*vector.Column, error) {
	p.bind(b)
	if p.field != "" {
		if c := b.Col(p.field); c != nil {
			return c.Renamed(name), nil
		}
		return vector.Constant(name, vector.Value{}), nil
	}
	large := 0
	counted := func(v vector.Value) vector.Value {
		switch v.Kind() {
		case vector.Bool:
			return vector.String(v.Text())
		case vector.Text, vector.List:
			if n := v.Size(); n > 4096 { // smaller ones are bounded by the rows of a batch
				large += n
			}
		}
		return v.Untracked()
	}
	value := func(i int) vector.Value {
		return counted(p.at(i))
	}
	over := func() bool { return p.env != nil && int64(large) > p.env.Memory.Free() }
	if b.Len > 0 && p.constant() {
		return vector.Constant(name, value(0)), nil
	}
	if n, codes, ok := p.coded(b); ok {
		dict, known := make([]vector.Value, n), make([]bool, n)
		for i, code := range codes {
			if !known[code] {
				known[code], dict[code] = true, value(i)
				if over() {
					return nil, p.env.Memory.Exceeded()
				}
			}
		}
		return vector.Coded(name, dict, codes), nil
	}
	vals := make([]vector.Value, b.Len)
	switch k := &p.kernel; {
	case k.Values != nil:
		copy(vals, k.Values(&p.frame, b.Len))
		for i := range vals {
			if vals[i].Kind() == vector.Bool {
				vals[i] = value(i)
				continue
			}
			if n := vals[i].Size(); n > 4096 {
				large += n
			}
			vals[i] = vals[i].Untracked()
		}
	case k.Nums != nil:
		for i, x := range k.Nums(&p.frame, b.Len) {
			if vals[i] = vector.Float(x); x != x {
				vals[i] = value(i)
			}
		}
	case k.Tests != nil:
		for i, t := range k.Tests(&p.frame, b.Len) {
			switch t {
			case Yes, No:
				vals[i] = vector.String(vector.Truth(t == Yes).Text())
			case Ask:
				vals[i] = value(i)
			}
		}
	default:
		for i := range vals {
			if vals[i] = value(i); large > 0 && over() {
				return nil, p.env.Memory.Exceeded()
			}
		}
	}
	if over() {
		return nil, p.env.Memory.Exceeded()
	}
	return vector.NewColumn(name, vals), nil
}

// constant reports whether every row of the bound batch yields the same value.
func (p *Program) constant() bool {
	for i := range p.frame.slots {
		if c := p.frame.slots[i].col; c != nil {
			if _, ok := c.Constant(); !ok {
				return false
			}
		}
	}
	return !p.varies
}

// coded returns the codes of the rows of b and their number, if the expression reads
// a single column with fewer codes than rows. Each code is then computed once.
func (p *Program) coded(b *vector.Batch) (n int, codes []int32, ok bool) {
	if p.varies {
		return 0, nil, false
	}
	for i := range p.frame.slots {
		c := p.frame.slots[i].col
		if c == nil {
			continue
		}
		if _, fixed := c.Constant(); fixed {
			continue
		}
		dict, rows := c.Codes()
		if rows == nil || codes != nil || len(dict) >= b.Len {
			return 0, nil, false
		}
		n, codes = len(dict), rows
	}
	return n, codes, codes != nil
}
