package plan_test

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/plan"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// The number of rows that TestNoLoopIsDeaf gives a command, the rows per batch,
// and the number of rows after which the command must have checked for
// cancellation.
const (
	deafRows  = 8192
	deafBatch = vector.DefaultRows
	deafLooks = 2048
)

// deafQuiet are commands that pass on whole columns, so that their work does
// not grow with the rows.
var deafQuiet = strings.Fields("addinfo fieldformat fields gauge highlight iconify localop noop redistribute rename setfields sistats sichart sitimechart sitop sirare table")

// deafLazy are commands that pass batches on unchanged, or process one only on
// request.
var deafLazy = strings.Fields("appendpipe fillnull foreach reverse tail")

// deafIdle are searches that have nothing to do in these rows.
var deafIdle = []string{"| apply m", "| transaction startswith"}

// TestNoLoopIsDeaf gives every command rows, without a planner or a store that
// would check the context for it. It counts how often the command checks while
// it reads rows, while it merges, and between the last row it reads and the
// first it returns.
func TestNoLoopIsDeaf(t *testing.T) {
	if raced {
		t.Skip("one goroutine runs it all, so the race detector finds nothing and takes minutes; make test runs it without")
	}
	searches := cancelledSearches
	for _, def := range syntax.Commands() {
		for _, ex := range def.Examples {
			if _, search, piped := strings.Cut(ex.Search, " | "+def.Name); piped {
				searches = append(searches, "| "+def.Name+search)
			}
		}
	}
	flavours := []func(field, row int) vector.Value{
		func(_, row int) vector.Value { return vector.Int(row) },
		func(field, row int) vector.Value { return vector.String("a" + strconv.Itoa((row+field)%50)) },
		func(_, row int) vector.Value { return vector.String("a " + strconv.Itoa(row)) },
	}
	run := 0
	for _, text := range searches {
		if slices.ContainsFunc(deafIdle, func(begin string) bool { return strings.HasPrefix(text, begin) }) {
			continue
		}
		t.Run(text, func(t *testing.T) {
			found := map[string]int{}
			for _, value := range flavours {
				if d := newDeaf(t, text, value); d != nil {
					run++
					d.run()
					for _, what := range d.found {
						found[what]++
					}
				}
			}
			for what, n := range found {
				if n == len(flavours) { // with others it may have had nothing to do
					t.Errorf("it never looks whether the search is cancelled while it %s", what)
				}
			}
		})
	}
	if run < 300 {
		t.Errorf("only %d searches were run", run)
	}
}

// newDeaf returns nil for a search that needs more than rows.
func newDeaf(t *testing.T, text string, value func(field, row int) vector.Value) *deaf {
	know := (&script{files: map[string]string{"lookups/example.csv": "u,team,user\na1,red,a1\n"}}).knowledge(t)
	q, err := plan.Parse("* "+text, know)
	if err != nil {
		return nil
	}
	env := exec.NewEnv(time.Unix(1700000000, 0).UTC())
	env.Knowledge, env.Macros, env.Geo = know, know, geo()
	env.Memory, env.Limits.Memory = exec.NewBudget(1<<40), 1<<40
	ctx := newAsked(t, 0)
	none := exec.Rows()
	env.Run = func(context.Context, *syntax.Query) (exec.Operator, error) { return none, nil }
	env.Pipe = func(_ context.Context, _ *syntax.Query, in exec.Operator) (exec.Operator, error) { return in, nil }
	env.RunBy(ctx)
	d := &deaf{t: t, ctx: ctx, env: env, cmd: q.Stages[1].Cmd, name: q.Stages[1].Def.Name, words: deafWords.FindAllString(text, -1), value: value}
	if c, ok := d.cmd.(exec.Defined); ok {
		if d.cmd, err = c.Define(know); err != nil {
			return nil
		}
	}
	return d
}

// deafWords are words that may be field names.
var deafWords = regexp.MustCompile(`[a-z_][a-z_0-9]*`)

// deaf runs a command and counts its checks of the context.
type deaf struct {
	t     *testing.T
	ctx   *asked
	env   *exec.Env
	cmd   syntax.Command
	name  string
	words []string // of the command's text
	value func(field, row int) vector.Value
	left  int // rows not delivered yet
	given bool
	ended int64 // checks when all rows were delivered
	found []string
}

func (d *deaf) run() {
	switch c := d.cmd.(type) {
	case exec.Streaming:
		m, err := c.NewMapper(d.env)
		if err != nil {
			return
		}
		d.looks("maps rows", deafRows, func() {
			for n := 0; n < deafRows && err == nil; n += deafBatch {
				b := d.batch(deafRows).Slice(n, n+deafBatch)
				s, ok := m.(exec.Spreading)
				if !ok {
					_, err = m.Map(d.ctx, b)
					continue
				}
				next := s.Spread(b)
				for b := next(); b != nil; b = next() {
					d.env.Poll() // as what asks for the parts does
				}
			}
			if err != nil {
				d.t.Fatal(err)
			}
		})
	case exec.Transforming:
		var both [2]exec.Reducer
		var err error
		for i := range both {
			if both[i], err = c.NewReducer(d.env); err != nil {
				return
			}
			defer both[i].Close()
			d.looks("takes rows in", deafRows, func() { err = both[i].Add(d.ctx, d.batch(deafRows)) })
			if err != nil {
				d.t.Fatal(err)
			}
		}
		d.env.Poll()
		merges := d.ctx.asked.Load()
		if err := both[0].Merge(d.ctx, both[1]); err != nil {
			d.t.Fatal(err)
		}
		merges = d.ctx.asked.Load() - merges
		var out exec.Operator
		var rows int
		begun := d.ctx.asked.Load()
		if out, err = both[0].Results(d.ctx); err != nil {
			d.t.Fatal(err)
		}
		defer out.Close()
		for b, err := out.Next(d.ctx); err == nil; b, err = out.Next(d.ctx) {
			rows += b.Len
		}
		if rows >= deafRows/2 && merges < int64(rows/deafLooks) {
			d.found = append(d.found, "merges")
		}
		if n := d.ctx.asked.Load() - begun; rows >= deafRows/2 && n < int64(rows/deafLooks) {
			d.found = append(d.found, "gives its result")
		}
	case exec.Serial:
		d.left = deafRows
		op, err := c.Open(d.ctx, d.env, d)
		if err != nil {
			return
		}
		defer op.Close()
		_, err = op.Next(d.ctx)
		if err != nil && err != io.EOF {
			d.t.Fatal(err)
		}
		if !d.given { // it returns rows before it has read all
			return
		}
		if n := d.ctx.asked.Load() - d.ended; n < deafRows/deafLooks && !slices.Contains(deafLazy, d.name) {
			d.found = append(d.found, "works between the last row it takes and the first it gives")
		}
	}
}

// looks runs part of the command's work, which must check once per so many
// rows.
func (d *deaf) looks(what string, rows int, work func()) {
	before := d.ctx.asked.Load()
	work()
	if n := d.ctx.asked.Load() - before; n < int64(rows/deafLooks) && !slices.Contains(deafQuiet, d.name) {
		d.found = append(d.found, what)
	}
}

// Next implements exec.Operator. It delivers the rows and does not check the
// context itself.
func (d *deaf) Next(context.Context) (*vector.Batch, error) {
	if d.left == 0 {
		d.given, d.ended = true, d.ctx.asked.Load()
		return nil, io.EOF
	}
	d.left -= deafBatch
	b := d.batch(d.left + deafBatch)
	return b.Slice(d.left, d.left+deafBatch), nil
}

// Close implements exec.Operator.
func (d *deaf) Close() {}

// batch returns rows with the fields that the command reads.
func (d *deaf) batch(rows int) *vector.Batch {
	names := []string{"a", "b", "eventtype", "n", "user", event.Time, event.Raw}
	if needs := d.cmd.Needs(filter.Fields()); !needs.All() {
		names = append(needs.Named(), names...)
	}
	names = append(names, d.words...)
	slices.Sort(names)
	names = slices.Compact(names)
	b := &vector.Batch{Len: rows}
	for field, name := range names {
		vals := make([]vector.Value, rows)
		for i := range vals {
			switch name {
			case event.Time:
				vals[i] = vector.Int(1700000000 + rows - i)
			case event.Raw:
				vals[i] = vector.String(fmt.Sprintf(`a=%d b=%d user="u%d"`, i, i, i%50))
			default:
				vals[i] = d.value(field, i)
			}
		}
		b = b.With(vector.NewColumn(name, vals))
	}
	return b
}

// TestLargeValueIsNotDeaf gives commands and functions one row with one large value
// and counts how often they look while they work on it.
func TestLargeValueIsNotDeaf(t *testing.T) {
	const words = 100_000
	large := vector.String(strings.Repeat("b a v ", words/3))
	for _, text := range []string{
		`| eval x=mvsort(split(a, " "))`, `| eval x=mvdedup(split(a, " "))`, `| eval x=mvzip(split(a, " "), split(a, " "))`, `| eval x=mvmap(split(a, " "), a."x")`,
		`| eval x=replace(a, "v", "w")`, `| makemv a`, `| makemv tokenizer="(v)" a`,
	} {
		t.Run(text, func(t *testing.T) {
			d := newDeaf(t, text, func(int, int) vector.Value { return large })
			if d == nil {
				t.Fatal("the search was not run")
			}
			m, err := d.cmd.(exec.Streaming).NewMapper(d.env)
			if err != nil {
				t.Fatal(err)
			}
			b := (&vector.Batch{Len: 1}).With(vector.NewColumn("a", []vector.Value{large}))
			before := d.ctx.asked.Load()
			if _, err := m.Map(d.ctx, b); err != nil {
				t.Fatal(err)
			}
			if n := d.ctx.asked.Load() - before; n < words/3/4096 {
				t.Errorf("it looked %d times whether the search is cancelled", n)
			}
		})
	}
}
