package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/diag"
)

// Coverage counts the rules for a tactic or technique of ATT&CK.
type Coverage struct {
	ID    string
	Rules []string // their titles, printable
	Of    []string // of a tactic: the techniques that its rules name
}

// Covered returns what the rules cover that raise findings: the tactics and the
// techniques, sorted.
func Covered(rs *ruleset.Ruleset) (tactics, techniques []Coverage) {
	byTactic, byTechnique := map[string]*Coverage{}, map[string]*Coverage{}
	count := func(m map[string]*Coverage, id, title string) *Coverage {
		if m[id] == nil {
			m[id] = &Coverage{ID: id}
		}
		m[id].Rules = append(m[id].Rules, diag.Printable(title))
		return m[id]
	}
	for i := range rs.Rules {
		r := &rs.Rules[i]
		if r.Off != "" || r.Silent {
			continue
		}
		for _, t := range r.Mitre() {
			count(byTechnique, t, r.Title)
		}
		for _, t := range r.Tactics() {
			c := count(byTactic, t, r.Title)
			for _, id := range r.Mitre() {
				if !slices.Contains(c.Of, id) {
					c.Of = append(c.Of, id)
				}
			}
		}
	}
	return sorted(byTactic), sorted(byTechnique)
}

func sorted(m map[string]*Coverage) []Coverage {
	out := make([]Coverage, 0, len(m))
	for _, c := range m {
		slices.Sort(c.Of)
		out = append(out, *c)
	}
	slices.SortFunc(out, func(x, y Coverage) int { return strings.Compare(x.ID, y.ID) })
	return out
}

// maxTitles is how many rules the comment on a technique names.
const maxTitles = 20

type layer struct {
	Name        string            `json:"name"`
	Versions    map[string]string `json:"versions"`
	Domain      string            `json:"domain"`
	Description string            `json:"description"`
	Techniques  []layerTechnique  `json:"techniques"`
	Gradient    layerGradient     `json:"gradient"`
	Layout      layerLayout       `json:"layout"`
}

type layerTechnique struct {
	ID      string `json:"techniqueID"`
	Score   int    `json:"score"`
	Comment string `json:"comment"`
	Enabled bool   `json:"enabled"`
	Subs    bool   `json:"showSubtechniques"`
}

type layerGradient struct {
	Colors []string `json:"colors"`
	Min    int      `json:"minValue"`
	Max    int      `json:"maxValue"`
}

type layerLayout struct {
	Layout    string `json:"layout"`
	Aggregate bool   `json:"showAggregateScores"`
	Function  string `json:"aggregateFunction"`
	Unscored  bool   `json:"countUnscored"`
}

// Navigator writes the techniques that the rules cover as a layer of the ATT&CK
// Navigator. The score of a technique is how many rules look for it.
func Navigator(w io.Writer, rs *ruleset.Ruleset) error {
	l := layer{
		Name: "bluetrail", Domain: "enterprise-attack", Description: "Techniques that bluetrail's rules for AWS CloudTrail look for. The score is the number of rules.",
		Versions: map[string]string{"layer": "4.5", "navigator": "5.1.0"}, Techniques: []layerTechnique{},
		Gradient: layerGradient{Colors: []string{"#ffffff", "#2f7ed8"}, Max: 1},
		Layout:   layerLayout{Layout: "side", Aggregate: true, Function: "sum"},
	}
	_, techniques := Covered(rs)
	for _, t := range techniques {
		titles := strings.Join(t.Rules[:min(len(t.Rules), maxTitles)], "\n")
		if more := len(t.Rules) - maxTitles; more > 0 {
			titles += fmt.Sprintf("\nand %d more", more)
		}
		l.Techniques = append(l.Techniques, layerTechnique{ID: t.ID, Score: len(t.Rules), Comment: titles, Enabled: true, Subs: strings.Contains(t.ID, ".")})
		l.Gradient.Max = max(l.Gradient.Max, len(t.Rules))
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(l)
}
