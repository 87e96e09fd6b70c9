package load

import (
	"fmt"
	"io"
	"time"

	"bluetrail/internal/enrich"
	"bluetrail/internal/enrich/list"

	"github.com/VictoriaMetrics/metrics"
)

// Status is what is loaded, for people.
type Status struct {
	Lists    list.Set
	Allow    enrich.AllowList
	Accounts int
	Problems []Problem // of files
}

// Problem is what is wrong with a file. The rest of the file may be in use.
type Problem struct {
	What string // "accounts" or "allow-list"
	Path string
	Err  error
}

// Status returns what is loaded.
func (l *Loader) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Status{Lists: l.lists, Allow: l.facts.Allow, Accounts: len(l.facts.Accounts)}
	add := func(what string, paths []string, errs []error) {
		for i, err := range errs {
			if err != nil {
				s.Problems = append(s.Problems, Problem{what, paths[i], err})
			}
		}
	}
	add("accounts", l.c.Assets, l.assets.errs)
	add("allow-list", l.allowFiles(), l.allowed.errs)
	return s
}

// Measure adds the metrics of lists.
func (l *Loader) Measure(set *metrics.Set) {
	set.RegisterMetricsWriter(func(w io.Writer) {
		s := l.Status()
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, h := range s.Lists {
			label := fmt.Sprintf("{list=%q}", h.Name)
			entries := 0
			if h.List != nil {
				entries = h.List.Entries
				metrics.WriteGaugeUint64(w, "bluetrail_list_unusable_entries"+label, uint64(h.List.Faults.Lines))
			}
			metrics.WriteGaugeUint64(w, "bluetrail_list_entries"+label, uint64(entries))
			if !h.Of.IsZero() {
				metrics.WriteGaugeFloat64(w, "bluetrail_list_age_seconds"+label, time.Since(h.Of).Seconds())
			}
			if h.URL != "" {
				metrics.WriteCounterUint64(w, "bluetrail_list_failures_total"+label, l.failures[h.Name])
				if !h.Checked.IsZero() {
					metrics.WriteGaugeFloat64(w, "bluetrail_list_checked_seconds"+label, time.Since(h.Checked).Seconds())
				}
			}
		}
		metrics.WriteGaugeUint64(w, "bluetrail_allow_entries", uint64(len(s.Allow)))
		metrics.WriteGaugeUint64(w, "bluetrail_asset_accounts", uint64(s.Accounts))
	})
}
