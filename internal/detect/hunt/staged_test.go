package hunt

import (
	"bufio"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"bluetrail/internal/actor"
	"bluetrail/internal/detect/scorecard"
	"bluetrail/internal/enrich"
	"bluetrail/internal/generate"
)

// network finds networks in the shipped data.
func network(address netip.Addr) (n actor.Network, ok bool) {
	s := enrich.Current().Source(address.String())
	asn, err := strconv.ParseUint(s.ASN, 10, 32)
	return actor.Network{ASN: uint32(asn), Name: s.Network, Kind: string(s.Kind)}, err == nil
}

// TestStagedAttacks hunts with the shipped rules through a small generated trail:
// every staged attack must be caught above low, and no harmless twin of one. In much
// fewer events the scanner and the pipelines do too little to be known for what they are.
func TestStagedAttacks(t *testing.T) {
	t.Parallel()
	cfg := generate.Config{Seed: 1, Events: 12000, End: time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC), Days: generate.MinDays, Accounts: generate.MinAccounts}
	labels, err := generate.Labels(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "trail.json")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriter(f)
	err = generate.Stream(t.Context(), cfg, func(record []byte, _ time.Time) error {
		out.Write(record)
		return out.WriteByte('\n')
	})
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	rs := shipped(t)
	geo, err := enrich.OpenGeo(nil)
	if err != nil {
		t.Fatal(err)
	}
	with := withSearches(t, rs)
	res := run(t, rs, path, 1, func(o *Options) { with(o); o.Search.Geo = geo; o.Triage = &Triage{Networks: network} })
	var alarms []scorecard.Alarm
	for _, f := range res.Findings {
		alarms = append(alarms, scorecard.Of(f))
	}
	card := scorecard.New(labels, alarms)
	if len(card.Attacks) < 45 || len(card.Lookalikes) < 40 {
		t.Errorf("%d attacks and %d look-alikes are staged", len(card.Attacks), len(card.Lookalikes))
	}
	for _, l := range card.Missed() {
		t.Errorf("no rule catches %s (%s): %s; low: %q", l.Name, l.Technique, l.Note, l.LowRules)
	}
	for _, l := range card.Loud() {
		t.Errorf("%q are loud about %s: %s", l.Rules, l.Name, l.Note)
	}
}
