package dashboard

import (
	"errors"
	"fmt"

	"bluetrail/internal/diag"
	"bluetrail/internal/plan"
	"bluetrail/internal/spl/syntax"
)

// Fault is what is wrong with one search of a dashboard.
type Fault struct {
	Where string // such as "row 2, panel 1 (Root)"
	Row   int    // 0-based; -1 = not in a row
	Panel int
	Err   error // usually a *diag.Error
}

func (f Fault) Error() string { return f.Where + ": " + f.Err.Error() }

// Unwrap returns the error itself.
func (f Fault) Unwrap() error { return f.Err }

// hostile is put in for every input when a dashboard is checked: a search that
// reads it well reads any other value.
const hostile = `a "b" \ | delete 'c' [ `

// Validate parses every search with its inputs at their defaults and with hostile
// values. Macros may be nil.
func (d *Dashboard) Validate(m syntax.Macros) []Fault {
	var list []Fault
	check := func(where string, row, panel int, text string) {
		if err := d.checkSearch(text, m); err != nil {
			list = append(list, Fault{where, row, panel, err})
		}
	}
	for i := range d.Inputs {
		if in := &d.Inputs[i]; in.Search != "" {
			check(fmt.Sprintf("input %d (%s)", i+1, in.ID), -1, i, in.Search)
		}
	}
	for i := range d.Rows {
		for j := range d.Rows[i].Panels {
			p := &d.Rows[i].Panels[j]
			where := fmt.Sprintf("row %d, panel %d (%s)", i+1, j+1, p.Title)
			if p.Kind != "text" {
				check(where, i, j, d.SearchOf(p))
			}
			if p.Drilldown != nil {
				if err := d.checkDrilldown(p.Drilldown, m); err != nil {
					list = append(list, Fault{where + ", drilldown", i, j, err})
				}
			}
		}
	}
	return list
}

// checkSearch parses a search with the defaults and, where inputs stand, with
// hostile values.
func (d *Dashboard) checkSearch(text string, m syntax.Macros) error {
	list, err := tokens(text)
	if err != nil {
		return err
	}
	values := Values{}
	for _, t := range list {
		if in := d.input(t.name); in != nil {
			values[t.name] = in.worst()
		}
	}
	for _, v := range []Values{nil, values} {
		search, err := d.Expand(text, v)
		if err != nil {
			return err
		}
		q, err := plan.Parse(search, m)
		if err == nil {
			err = syntax.Check(q)
		}
		if err != nil {
			return err
		}
		if len(list) == 0 {
			break
		}
	}
	return nil
}

// worst returns the value that is hardest to read. A dropdown of numbers and spans
// gives nothing else, so that it may stand where commands want one.
func (in *Input) worst() []string {
	if in.Type != "dropdown" || in.Search != "" || len(in.Choices) == 0 {
		return []string{hostile}
	}
	for _, c := range in.Choices {
		if !plain.MatchString(c.Value) {
			return []string{hostile}
		}
	}
	return []string{in.Choices[0].Value}
}

// checkDrilldown checks a search that a click leads to. $row.FIELD$, $earliest$
// and $latest$ are known there.
func (d *Dashboard) checkDrilldown(w *Drilldown, m syntax.Macros) error {
	if w.Search == "" {
		return nil
	}
	inner := *d
	list, err := tokens(w.Search)
	if err != nil {
		return err
	}
	for _, t := range list {
		if isRow(t.name) && inner.input(t.name) == nil {
			inner.Inputs = append(inner.Inputs[:len(inner.Inputs):len(inner.Inputs)], Input{ID: t.name, Type: "text"})
		}
	}
	return inner.checkSearch(w.Search, m)
}

// isRow reports whether a token stands for something of the clicked place.
func isRow(name string) bool {
	return len(name) > 4 && name[:4] == "row." || name == "earliest" || name == "latest"
}

// Check is Parse and Validate in one: it returns the dashboard with the faults of
// its searches, or the error that keeps it from being read.
func Check(data []byte, m syntax.Macros) (*Dashboard, []Fault, error) {
	d, err := Parse(data)
	if err != nil {
		return d, nil, err
	}
	return d, d.Validate(m), nil
}

// Place returns the place of a fault in its search, nil where there is none.
func (f Fault) Place() *diag.Error {
	var e *diag.Error
	if errors.As(f.Err, &e) {
		return e
	}
	return nil
}
