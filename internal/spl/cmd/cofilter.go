package cmd

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Cofilter counts, for each pair of items, the users that have both.
type Cofilter struct{ User, Item string }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "cofilter", Kind: syntax.KindTransforming,
		Summary: "For each pair of a field's values, count how many values of another field occur with both.",
		Syntax:  "cofilter <user-field> <item-field>",
		Doc: "The columns are `Item 1`, `Item 1 user count`, `Item 2`, `Item 2 user count` and `Pair count`, the number of users that\n" +
			"have both items. The most frequent pairs come first.",
		Args: []syntax.Arg{
			{Name: "<user-field>", Doc: "The field that identifies users."},
			{Name: "<item-field>", Doc: "The field whose values are paired."},
		},
		Examples: []syntax.Example{{
			Doc: "API calls made by the same users.",
			Search: `| makeresults format=csv data="user,call
ann,ListUsers
ann,GetUser
bob,ListUsers
bob,GetUser
cy,PutObject
cy,ListUsers" | cofilter user call | head 1`,
			Want: []string{`{"Item 1":"GetUser","Item 1 user count":"2","Item 2":"ListUsers","Item 2 user count":"3","Pair count":"2"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			start := p.Peek().Span
			names, err := p.Fields()
			if err != nil {
				return nil, err
			}
			if len(names) != 2 || names[0] == names[1] {
				return nil, diag.At(start, "cofilter needs two fields, not %d", len(slices.Compact(names))).WithHint("cofilter user eventName")
			}
			return &Cofilter{names[0], names[1]}, nil
		},
	})
}

// Print implements syntax.Command.
func (c *Cofilter) Print() string { return "cofilter " + syntax.PrintFields([]string{c.User, c.Item}) }

// Needs implements syntax.Command.
func (c *Cofilter) Needs(filter.FieldSet) filter.FieldSet { return filter.Fields(c.User, c.Item) }

// Ordered implements exec.Transforming.
func (c *Cofilter) Ordered() bool { return false }

// NewReducer implements exec.Transforming.
func (c *Cofilter) NewReducer(env *exec.Env) (exec.Reducer, error) {
	return &cofilter{c: c, env: env, held: env.Memory.Hold(), users: map[string]map[string]bool{}}, nil
}

// maxCofilterItems bounds how many items of one user are paired.
// maxCofilterPairs bounds the pairs.
const (
	maxCofilterItems = 1000
	maxCofilterPairs = 1000000
)

type cofilter struct {
	c     *Cofilter
	env   *exec.Env
	held  *exec.Held
	users map[string]map[string]bool // user -> items
}

// Add implements exec.Reducer.
func (r *cofilter) Add(_ context.Context, b *vector.Batch) error {
	size := 0
	for i := range b.Len {
		r.env.Poll()
		items := b.At(r.c.Item, i).All()
		for _, user := range b.At(r.c.User, i).All() {
			size += r.put(user, items)
		}
	}
	return r.held.Add(size)
}

// put adds the items of a user and returns how many bytes it allocated.
func (r *cofilter) put(user string, items []string) (size int) {
	if len(items) == 0 {
		return 0
	}
	known := r.users[user]
	if known == nil {
		known = map[string]bool{}
		r.users[strings.Clone(user)] = known
		size += len(user) + 128
	}
	for _, item := range items {
		if !known[item] {
			known[strings.Clone(item)] = true
			size += len(item) + 48
		}
	}
	return size
}

// Merge implements exec.Reducer.
func (r *cofilter) Merge(ctx context.Context, other exec.Reducer) error {
	o := other.(*cofilter)
	for user, items := range o.users {
		if err := ctx.Err(); err != nil {
			return err
		}
		if r.users[user] == nil {
			r.users[user] = items
			continue
		}
		for item := range items {
			r.users[user][item] = true
		}
	}
	o.users = nil
	r.held.TakeOver(o.held)
	return nil
}

// Close implements exec.Reducer.
func (r *cofilter) Close() {
	r.held.Release()
	r.users = nil
}

// Results implements exec.Reducer.
func (r *cofilter) Results(ctx context.Context) (exec.Operator, error) {
	p, err := r.pairs(ctx)
	if err != nil {
		return nil, err
	}
	list := make([][2]string, 0, len(p.pairs))
	for key := range p.pairs {
		r.env.Poll()
		list = append(list, key)
	}
	exec.Sort(r.env, list, func(a, b [2]string) int {
		return cmp.Or(cmp.Compare(p.pairs[b], p.pairs[a]), cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
	})
	return exec.Emitted(func(ctx context.Context, emit func(*vector.Batch) error) error {
		out := op.NewEmitter(emit, []string{"Item 1", "Item 1 user count", "Item 2", "Item 2 user count", "Pair count"})
		for _, key := range list {
			out.Add()
			out.SetAt(0, vector.String(key[0]))
			out.SetAt(1, vector.Int(p.items[key[0]]))
			out.SetAt(2, vector.String(key[1]))
			out.SetAt(3, vector.Int(p.items[key[1]]))
			out.SetAt(4, vector.Int(p.pairs[key]))
			if err := out.Row(ctx); err != nil {
				return err
			}
		}
		return out.End()
	}, r.Close), nil
}

// itemPairs counts the users of each item and of each pair of items.
type itemPairs struct {
	items map[string]int
	pairs map[[2]string]int
}

func (r *cofilter) pairs(ctx context.Context) (*itemPairs, error) {
	p := &itemPairs{map[string]int{}, map[[2]string]int{}}
	pulse := exec.NewPulse(ctx)
	full := false // the memory limit is reached
	for _, user := range exec.SortedKeys(r.env, r.users) {
		items := exec.SortedKeys(r.env, r.users[user])
		for _, item := range items {
			p.items[item]++
		}
		if len(items) > maxCofilterItems {
			r.env.Warn("cofilter pairs the first %d values of %s of each %s", maxCofilterItems, r.c.Item, r.c.User)
			items = items[:maxCofilterItems]
		}
		fresh := 0
		for n, first := range items {
			for _, second := range items[n+1:] {
				if err := pulse.Err(); err != nil {
					return nil, err
				}
				key := [2]string{first, second}
				if _, known := p.pairs[key]; !known {
					if len(p.pairs) == maxCofilterPairs {
						r.env.Warn("cofilter counts at most %d pairs; the others are left out", maxCofilterPairs)
						continue
					}
					if full {
						continue
					}
					fresh++
				}
				p.pairs[key]++
			}
			if fresh > 0 {
				err := r.held.Add(160 * fresh) // including their rows in the result
				if err != nil && !exec.EndsEarly(err) {
					return nil, err
				}
				full, fresh = full || err != nil, 0
			}
		}
	}
	return p, nil
}
