package main

import (
	"strings"
	"sync/atomic"
	"time"

	"bluetrail/internal/generate"
	"bluetrail/internal/splunktime"

	"github.com/dustin/go-humanize"
)

type generateCmd struct {
	Out      string `help:"Folder to write the trail to." required:"" placeholder:"DIR"`
	Events   int    `help:"Number of events, 2,000 or more." default:"200000" placeholder:"N"`
	Days     int    `help:"Number of days that the events cover, 8 to 400." default:"14" placeholder:"N"`
	Accounts int    `help:"Number of accounts in the organization, 4 to 50." default:"6" placeholder:"N"`
	Seed     uint64 `help:"The same seed and settings write the same trail, byte for byte." default:"1" placeholder:"N"`
	Sessions bool   `help:"Also stage a session of every kind: console, roles assumed over accounts, SAML, tokens, keys made for others and more."`
	Backfill bool   `help:"Also write backfill digests for a few hours of one account and region."`
	Tamper   string `help:"Damage the trail in this way afterwards, to try bluetrail verify: ${tamper}." enum:"none,${tamper}" default:"none" placeholder:"KIND"`
	Ordinary bool   `help:"Stage no attacks: only what an organization does on ordinary days, which rules should be quiet about."`
	End      string `help:"End of the trail: epoch, RFC 3339 or relative (default: the last full hour)." placeholder:"T"`
}

func (c *generateCmd) Run(a *app) error {
	end := time.Now().UTC().Truncate(time.Hour)
	if c.End != "" {
		var err error
		if end, err = splunktime.ParseTime(c.End, time.Now().In(a.zone())); err != nil {
			return usageError{err}
		}
	}
	for _, n := range []struct {
		flag             string
		val, least, most int
	}{
		{"events", c.Events, generate.MinEvents, generate.MaxEvents}, {"days", c.Days, generate.MinDays, generate.MaxDays},
		{"accounts", c.Accounts, generate.MinAccounts, generate.MaxAccounts},
	} {
		if n.val < n.least || n.val > n.most {
			return usage("--%s must be from %d to %d, not %d", n.flag, n.least, n.most, n.val)
		}
	}
	cfg := generate.Default()
	cfg.Seed, cfg.Events, cfg.Days, cfg.Accounts, cfg.End, cfg.Sessions, cfg.Ordinary, cfg.Backfill = c.Seed, c.Events, c.Days, c.Accounts, end, c.Sessions, c.Ordinary, c.Backfill
	if _, err := a.generate(c.Out, cfg); err != nil || c.Tamper == "none" {
		return err
	}
	object, err := generate.Tamper(a.path(c.Out), c.Seed, c.Tamper)
	if err == nil {
		a.note("damaged the trail (%s): %s", c.Tamper, object)
	}
	return err
}

// generate writes a trail and says what is in it.
func (a *app) generate(dir string, cfg generate.Config) (generate.Summary, error) {
	start := time.Now()
	var done, total atomic.Int64
	stop := a.meter(func() (int64, int64) { return done.Load(), total.Load() }, events)
	sum, err := generate.Write(a.ctx, dir, cfg, func(d, t int) { done.Store(int64(d)); total.Store(int64(t)) })
	stop()
	if err != nil {
		return sum, err
	}
	took := time.Since(start)
	attacks := "no attacks"
	if !cfg.Ordinary {
		attacks = count(len(sum.Attacks), "attack") + " labelled in " + generate.LabelsFile
	}
	a.note("wrote %s in %s to %s: %s of JSON, %s compressed, %s; %s", count(sum.Events, "event"), count(sum.Files, "file"), dir,
		humanize.IBytes(uint64(sum.Bytes)), humanize.IBytes(uint64(sum.Compressed)), attacks, took.Round(10*time.Millisecond))
	return sum, nil
}

// tamperKinds names the kinds of damage, by commas.
func tamperKinds() string {
	var list []string
	for _, x := range generate.Tamperings() {
		list = append(list, x.Kind)
	}
	return strings.Join(list, ", ")
}
