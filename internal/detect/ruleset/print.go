package ruleset

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bluetrail/internal/detect/sigma"
	"bluetrail/internal/detect/splrule"
)

// print sets the prints of all rules.
func (l *loader) print(lists *lists) {
	own := make([]string, len(l.Rules))
	for i := range l.Rules {
		r := &l.Rules[i]
		h := sha256.New()
		text := ""
		switch {
		case r.Event != nil:
			text = document(&r.Event.Header)
			for _, f := range r.Event.Filters() {
				text += "\x00" + document(&f.Header)
			}
		case r.Correlation != nil:
			text = document(&r.Correlation.Header)
		default:
			text = printOf(r.Search.Rule)
		}
		fmt.Fprintf(h, "%q", text)
		for _, name := range slices.Sorted(maps.Keys(lists.used)) {
			if strings.Contains(text, "%"+name+"%") {
				fmt.Fprintf(h, "%q %q", name, lists.used[name])
			}
		}
		own[i] = hex.EncodeToString(h.Sum(nil)[:16])
	}
	for i := range l.Rules {
		r := &l.Rules[i]
		if r.Print = own[i]; r.Correlation == nil {
			continue
		}
		h := sha256.New()
		for _, at := range l.Below(i) {
			fmt.Fprintf(h, "%s\n", own[at])
		}
		r.Print = hex.EncodeToString(h.Sum(nil)[:16])
	}
}

// document returns the text of a document without what separates it from others.
func document(h *sigma.Header) string {
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(h.Text()), "---"))
}

// Below returns the positions of a rule and of all rules that it refers to, each once.
func (s *Ruleset) Below(rule int) []int {
	all := []int{rule}
	for i := 0; i < len(all); i++ {
		c := s.Rules[all[i]].Correlation
		if c == nil {
			continue
		}
		for _, ref := range c.Rules {
			if at := int(s.Position(ref)); !slices.Contains(all, at) {
				all = append(all, at)
			}
		}
	}
	return all
}

// printOf identifies what a search says, as far as it matters for running it.
func printOf(r *splrule.Rule) string {
	return fmt.Sprintf("%q %v %v %+v %+v", r.Search, r.Entity, r.Risk, []any{r.Schedule.Cron, r.Schedule.Every, r.Schedule.Earliest, r.Schedule.Latest, r.Schedule.Zone, r.Schedule.Lateness}, r.Alert)
}
