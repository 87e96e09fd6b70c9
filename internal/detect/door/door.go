// Package door decides which records are dropped before they are stored: those that a
// filter of the configuration describes, by a search or a Sigma rule.
package door

import (
	"context"
	"fmt"
	"os"

	"bluetrail/internal/config"
	"bluetrail/internal/detect/sigma"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/event"
	"bluetrail/internal/ingest"
)

// Filters are the filters of a configuration. They are safe for concurrent use.
type Filters struct {
	names    []string
	searches []*splrule.Search // by filter, nil = a Sigma rule
	set      *sigma.Set        // nil = no Sigma rules
	of       []int             // the filters of the set's rules
}

var _ ingest.Door = (*Filters)(nil)

// Load compiles filters. path makes the paths of Sigma rules absolute. A filter that cannot
// be used is an error: without it, records would be stored that should not be.
func Load(list []config.Drop, path func(string) string) (*Filters, error) {
	f := &Filters{searches: make([]*splrule.Search, len(list))}
	rules := sigma.NewCollection(nil)
	for i, d := range list {
		f.names = append(f.names, d.Name)
		if d.Sigma != "" {
			if err := f.sigma(rules, i, path(d.Sigma)); err != nil {
				return nil, fmt.Errorf("drop %q: %w", d.Name, err)
			}
			continue
		}
		s, err := splrule.Compile(&splrule.Rule{Name: d.Name, Kind: splrule.SPL, Search: d.Search}, nil)
		if err != nil {
			// Not wrapped: an error with a place is printed without what is around it.
			return nil, fmt.Errorf("drop %q: %v", d.Name, err)
		}
		if !s.Stateless() {
			return nil, fmt.Errorf("drop %q: the search looks at several events at once; use only conditions on one event, such as search, where and regex", d.Name)
		}
		f.searches[i] = s
	}
	rules.Link()
	if len(rules.Rules) > 0 {
		f.set = sigma.NewSet(rules.Rules)
	}
	return f, nil
}

// maxFile is how large the file of a Sigma rule may be, in bytes.
const maxFile = 1 << 20

func (f *Filters) sigma(to *sigma.Collection, filter int, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() > maxFile {
		return fmt.Errorf("%q is larger than %d KiB", path, maxFile>>10)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before := len(to.Rules)
	to.Add(path, data)
	if n := len(to.Faults); n > 0 {
		return fmt.Errorf("%q: %s", path, to.Faults[n-1].Reason())
	}
	if len(to.Rules) == before || len(to.Correlations)+len(to.Filters)+len(to.Others) > 0 {
		return fmt.Errorf("%q holds something other than event rules for CloudTrail", path)
	}
	for range to.Rules[before:] {
		f.of = append(f.of, filter)
	}
	return nil
}

// Names implements ingest.Door.
func (f *Filters) Names() []string { return f.names }

// Worker implements ingest.Door.
func (f *Filters) Worker() (ingest.DoorWorker, error) {
	w := &worker{of: f.of}
	if f.set != nil {
		w.rules = f.set.NewEvaluator()
		w.names = event.NewExtractor([]string{"eventSource", "eventName"})
		w.row = w.names.NewRow()
	}
	for i, s := range f.searches {
		if s == nil {
			continue
		}
		ev, err := s.NewEvaluator(context.Background(), nil)
		if err != nil {
			return nil, fmt.Errorf("drop %q: %w", f.names[i], err)
		}
		w.searches = append(w.searches, search{i, ev})
	}
	return w, nil
}

type search struct {
	filter int
	ev     *splrule.Evaluator
}

type worker struct {
	searches []search
	rules    *sigma.Evaluator // nil = none
	of       []int
	names    *event.Extractor
	row      *event.Row
}

// Drops implements ingest.DoorWorker. A record on which a filter fails is kept.
func (w *worker) Drops(raw []byte, meta *event.Meta) (filter int) {
	defer func() {
		if recover() != nil {
			filter = -1
		}
	}()
	filter = -1
	if w.rules != nil && meta.Sourcetype == event.CloudTrail && w.names.Read(raw, w.row) == nil {
		source := w.names.FinishOne(0, raw, meta, w.row).Text
		name := w.names.FinishOne(1, raw, meta, w.row).Text
		w.rules.Evaluate(raw, source, name, func(rule int) {
			if filter < 0 {
				filter = w.of[rule]
			}
		})
	}
	for i := 0; i < len(w.searches) && filter < 0; i++ {
		if ok, err := w.searches[i].ev.Match(raw, meta); ok && err == nil {
			filter = w.searches[i].filter
		}
	}
	return filter
}
