package ingest

import (
	"encoding/json"
	"fmt"
)

// Origin is how the events of a file were taken in: what is needed to take them
// in again as they were.
type Origin struct {
	Index      string `json:"index,omitempty"`
	Sourcetype string `json:"sourcetype,omitempty"`
	Source     string `json:"source,omitempty"`
	Host       string `json:"host,omitempty"`
	Anew       bool   `json:"anew,omitempty"`
}

func originOf(o *Options) Origin {
	return Origin{Index: o.Index, Sourcetype: o.Sourcetype, Source: o.Source, Host: o.Host, Anew: o.Anew}
}

// String returns the origin as the state keeps it.
func (o Origin) String() string {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err) // strings and a bool
	}
	return string(text)
}

func parseOrigin(text string) (o Origin, err error) {
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return o, fmt.Errorf("cannot read how a file was ingested: %w", err)
	}
	return o, nil
}

// apply sets the options to take a file in as it was.
func (o Origin) apply(to *Options) {
	to.Index, to.Sourcetype, to.Source, to.Host, to.Anew = o.Index, o.Sourcetype, o.Source, o.Host, o.Anew
}
