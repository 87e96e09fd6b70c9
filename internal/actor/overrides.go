package actor

import (
	"fmt"
	"strings"

	"bluetrail/internal/filter"
)

// Override is what a user says of actors.
type Override struct {
	Actor  string // * stands for any text; letter case does not matter
	Class  Class
	Reason string
	By     string // who said so, such as "the configuration"
}

// Overrides are what users say of actors, the first that holds for an actor counts.
// They are not changed once made.
type Overrides struct {
	list  []Override
	match []func(string) bool
}

// NewOverrides returns overrides in order of precedence.
func NewOverrides(list []Override) *Overrides {
	o := &Overrides{list: list}
	for _, x := range list {
		o.match = append(o.match, filter.Wildcard(x.Actor, false))
	}
	return o
}

func (o *Overrides) of(actor string) (Opinion, bool) {
	if o == nil || actor == "" {
		return Opinion{}, false
	}
	for i, x := range o.list {
		if !o.match[i](actor) {
			continue
		}
		why := fmt.Sprintf("%s says so", x.By)
		if x.Reason != "" {
			why += ": " + strings.TrimSuffix(x.Reason, ".")
		}
		return Opinion{Class: x.Class, Confidence: 1, Trusted: x.Class != Unknown, Reasons: []string{strings.ToUpper(why[:1]) + why[1:] + "."}}, true
	}
	return Opinion{}, false
}
