package main

import (
	"bufio"
	"encoding/json"
	"math"
	"strconv"
	"time"

	"bluetrail/internal/result"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/state"
	"bluetrail/internal/vector"
)

type verifyEvidenceCmd struct {
	Data     string `help:"Data directory (default: from the configuration)." placeholder:"DIR" env:"BLUETRAIL_DATA"`
	Earliest string `help:"Only digests that end at or after this time: -24h, -7d@d, epoch, RFC 3339." placeholder:"T"`
	Latest   string `help:"Only digests that end before this time." placeholder:"T"`
	Output   string `short:"o" help:"Output format: table (a chain a row), json or csv (a digest a row)." enum:"table,json,csv" default:"table"`
}

func (c *verifyEvidenceCmd) pages() bool { return true }

func (c *verifyEvidenceCmd) home(a *app) string { return a.dataDir(c.Data) }

// evidence is a verified digest as it is exported.
type evidence struct {
	Source      string    `json:"source"`
	Chain       string    `json:"chain"`
	Start       time.Time `json:"start"`
	End         time.Time `json:"end"`
	Key         string    `json:"key"`
	SHA256      string    `json:"sha256"`
	Signature   string    `json:"signature,omitempty"`
	Fingerprint string    `json:"public_key_fingerprint"`
	Proof       string    `json:"proof,omitempty"`
	Logs        int       `json:"log_files"`
	Bytes       int64     `json:"log_bytes"`
	Whole       bool      `json:"whole"`
	Verified    time.Time `json:"verified"`
}

func unix(t int64) time.Time { return time.Unix(t, 0).UTC() }

// Run exports the evidence.
func (c *verifyEvidenceCmd) Run(a *app) error {
	from, to := int64(math.MinInt64), int64(math.MaxInt64)
	for _, x := range []struct {
		text string
		to   *int64
	}{{c.Earliest, &from}, {c.Latest, &to}} {
		if x.text != "" {
			t, err := splunktime.ParseTime(x.text, time.Now().In(a.zone()))
			if err != nil {
				return usageError{err}
			}
			*x.to = t.Unix()
		}
	}
	dir := a.dataDir(c.Data)
	db := a.openedState()
	if db == nil {
		if !isDir(a.path(dir)) {
			return usage("there is no data directory %q", dir)
		}
		var err error
		if db, err = state.OpenReadable(a.path(dir)); err != nil {
			return err
		}
		defer db.Close()
	}
	out := bufio.NewWriterSize(a.out, 64<<10)
	o := result.Options{Format: c.Output, Width: a.outTerm.Width, Zone: time.UTC, Terminal: a.outTerm.TTY, Colour: a.outTerm.Colour, Cancelled: a.ctx.Err}
	n := 0
	var err error
	switch c.Output {
	case "table":
		err = a.rows(out, o, func(w result.Writer) error {
			list, err := db.DigestChains()
			n = len(list)
			if err != nil || n == 0 {
				return err
			}
			return w.Write(ledgerRows(list))
		})
	case "json":
		err = db.EachDigest(a.ctx, from, to, func(d *state.Digest) error {
			n++
			body, err := json.Marshal(evidence{d.Source, d.Chain, unix(d.Start), unix(d.End), d.Key, d.Hash, d.Signature, d.Fingerprint, d.Proof, d.Logs, d.Bytes, d.Whole, unix(d.Verified)})
			if err != nil {
				return err
			}
			return writeJSON(out, body)
		})
	default:
		err = a.rows(out, o, func(w result.Writer) error {
			return db.EachDigest(a.ctx, from, to, func(d *state.Digest) error {
				n++
				b := vector.NewBuilder("source", "chain", "start", "end", "key", "sha256", "signature", "public_key_fingerprint", "proof", "log_files", "log_bytes", "whole", "verified")
				b.Add()
				for i, text := range []string{
					d.Source, d.Chain, unix(d.Start).Format(time.RFC3339), unix(d.End).Format(time.RFC3339), d.Key, d.Hash, d.Signature, d.Fingerprint, d.Proof,
					strconv.Itoa(d.Logs), strconv.FormatInt(d.Bytes, 10), strconv.FormatBool(d.Whole), unix(d.Verified).Format(time.RFC3339),
				} {
					b.SetAt(i, vector.String(text))
				}
				return w.Write(b.Batch())
			})
		})
	}
	if err == nil {
		err = out.Flush()
	}
	if err == nil && n == 0 {
		a.note("nothing was verified; a server verifies the digests of its sources when the configuration has verify.keys, see docs/verify.md")
	}
	return err
}

func ledgerRows(list []state.DigestChain) *vector.Batch {
	b := vector.NewBuilder("source", "chain", "from", "to", "digests", "whole", "log files", "keys", "verified")
	for _, x := range list {
		b.Add()
		for i, text := range []string{
			x.Source, x.Chain, minuteOf(unix(x.From)), minuteOf(unix(x.To)), strconv.Itoa(x.Digests), strconv.Itoa(x.Whole), strconv.Itoa(x.Logs), x.Keys, minuteOf(unix(x.Verified)),
		} {
			b.SetAt(i, vector.String(text))
		}
	}
	return b.Batch()
}

// openedState returns the state of a server, nil outside of one.
func (a *app) openedState() *state.DB {
	if a.opened == nil {
		return nil
	}
	return a.opened.State()
}
