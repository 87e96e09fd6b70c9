package cmd

import (
	"slices"
	"strings"
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/datamodel"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// dataset is a dataset of a data model that a command names.
type dataset struct {
	model *datamodel.Model
	set   *datamodel.Dataset
}

// findDataset finds Model or Model.Dataset. span is the place of the name.
func findDataset(name string, span diag.Span) (*dataset, error) {
	name = strings.ReplaceAll(name, `"`, "")
	model, path, below := strings.Cut(name, ".")
	d := &dataset{model: datamodel.Find(model)}
	if d.model == nil {
		return nil, diag.At(span, "unknown data model %q", model).WithHint("%s", diag.Suggest(model, datamodel.Names(), "the data models"))
	}
	if d.set = d.model.Whole(); !below {
		return d, nil
	}
	if d.set = d.model.Dataset(path); d.set == nil {
		return nil, diag.At(span, "the data model %s has no dataset %q", d.model.Name, path).WithHint("%s", diag.Suggest(path, d.model.DatasetNames(), "its datasets"))
	}
	return d, nil
}

func (d *dataset) name() string {
	if d.set.Name == d.model.Name && d.model.Dataset(d.set.Name) == nil { // all roots of a model with several
		return d.model.Name
	}
	return d.model.Name + "." + d.set.Name
}

// warn reports that CloudTrail has no events for the dataset.
func (d *dataset) warn(env *exec.Env) {
	if !d.model.Filled {
		env.Warn("CloudTrail does not fill the data model %s; the search finds only events that match %s", d.model.Name, d.model.Search(d.set))
	}
}

// fill returns the fillnull command for the fields in which a missing value
// counts as unknown, named as in events. It returns "" if there are none.
func (d *dataset) fill(fields []string) string {
	var list []string
	for _, f := range fields {
		if d.model.FillsUnknown(f) && !slices.Contains(list, f) {
			list = append(list, f)
		}
	}
	if len(list) == 0 {
		return ""
	}
	return "fillnull value=" + datamodel.Unknown + " " + syntax.PrintFields(list)
}

// fieldNames returns the dataset's fields under their names in events.
func (d *dataset) fieldNames() []string {
	var list []string
	for _, f := range d.model.Fields(d.set) {
		list = append(list, f.Name)
	}
	return list
}

// where rewrites an expression over fields of the dataset to use the fields of
// events. nodename=X becomes the search of dataset X.
func (d *dataset) where(e filter.Expr) (filter.Expr, error) {
	list := func(args []filter.Expr) ([]filter.Expr, error) {
		out := make([]filter.Expr, len(args))
		for i, a := range args {
			var err error
			if out[i], err = d.where(a); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	switch e := e.(type) {
	case *filter.And:
		args, err := list(e.Args)
		return &filter.And{Span: e.Span, Args: args}, err
	case *filter.Or:
		args, err := list(e.Args)
		return &filter.Or{Span: e.Span, Args: args}, err
	case *filter.Not:
		arg, err := d.where(e.Arg)
		return &filter.Not{Span: e.Span, Arg: arg}, err
	case *filter.Compare:
		if strings.EqualFold(e.Field, "nodename") && e.Op == "=" {
			node, err := findDataset(d.model.Name+"."+e.Value, e.Span)
			if err != nil {
				return nil, err
			}
			return syntax.ParseSearch(node.name(), node.model.Search(node.set))
		}
		c := *e
		c.Field = d.model.Plain(e.Field)
		return d.orUnknown(&c, c.Field)
	case *filter.In:
		if strings.EqualFold(e.Field, "nodename") {
			or := &filter.Or{Span: e.Span}
			for _, v := range e.Values {
				or.Args = append(or.Args, &filter.Compare{Span: e.Span, Field: e.Field, Op: "=", Value: v})
			}
			return d.where(or)
		}
		in := *e
		in.Field = d.model.Plain(e.Field)
		return d.orUnknown(&in, in.Field)
	}
	return e, nil
}

// orUnknown widens a test of one field to events that lack the field, if the
// value "unknown" passes the test.
func (d *dataset) orUnknown(test filter.Expr, field string) (filter.Expr, error) {
	if !d.model.FillsUnknown(field) {
		return test, nil
	}
	m, err := filter.NewMatcher(test, time.Time{})
	if err != nil {
		return nil, err
	}
	row := &vector.Batch{Len: 1, Cols: []*vector.Column{vector.NewColumn(field, []vector.Value{vector.String(datamodel.Unknown)})}}
	if len(m.Select(row)) == 0 {
		return test, nil
	}
	missing := &filter.Not{Arg: &filter.Compare{Field: field, Op: "=", Value: "*"}}
	return &filter.Or{Args: []filter.Expr{test, missing}}, nil
}

// aggregations rewrites aggregates over fields of the dataset. Their columns
// keep the names as written. A pattern matches the fields of the dataset, not
// all fields of an event.
func (d *dataset) aggregations(list []*op.Aggregation) []*op.Aggregation {
	var out []*op.Aggregation
	for _, a := range list {
		b := *a
		b.Field = d.model.Plain(a.Field)
		if b.As == "" && b.Field != a.Field {
			b.As = a.Call
		}
		if !a.Wild() {
			out = append(out, &b)
			continue
		}
		prefix := strings.TrimSuffix(a.Field, b.Field)
		for _, f := range d.fieldNames() {
			if !filter.MatchName(b.Field, f) {
				continue
			}
			each := b
			each.Field = f
			each.As = strings.Replace(a.Call, a.Field, prefix+f, 1)
			if a.As != "" {
				head, tail, _ := strings.Cut(b.Field, "*")
				each.As = strings.Replace(a.As, "*", strings.TrimSuffix(strings.TrimPrefix(f, head), tail), 1)
			}
			out = append(out, &each)
		}
	}
	return out
}
