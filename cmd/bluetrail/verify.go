package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"bluetrail/internal/aws"
	"bluetrail/internal/aws/bucket"
	"bluetrail/internal/control"
	"bluetrail/internal/diag"
	"bluetrail/internal/digest"
	"bluetrail/internal/digest/folder"
	"bluetrail/internal/digest/inbucket"
	"bluetrail/internal/result"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/vector"
)

type verifyCmd struct {
	Files    verifyFilesCmd    `cmd:"" default:"withargs" help:"Verify digest files, their chains and the log files that they name."`
	Evidence verifyEvidenceCmd `cmd:"" help:"Export what a server verified: every digest, when and by which key."`
}

type verifyFilesCmd struct {
	Paths    []control.Path `arg:"" name:"path" help:"Files, folders, globs or s3://BUCKET/PREFIX: digest files and log files." placeholder:"PATH"`
	Keys     string         `help:"File of CloudTrail's public keys: answers of ListPublicKeys in JSON." placeholder:"FILE"`
	Earliest string         `help:"Only digests that end at or after this time: -24h, -7d@d, epoch, RFC 3339." placeholder:"T"`
	Latest   string         `help:"Only digests that end at or before this time; if any of them is missing, that is an error." placeholder:"T"`
	Now      string         `help:"Current time for relative times." placeholder:"T"`
	awsFlags `embed:"" group:"S3"`
	DryRun   bool   `help:"Only list: print how many digests, log files and bytes would be read."`
	Output   string `short:"o" help:"Output format: table, list or json (one chain per line, with its problems)." enum:"table,list,json" default:"table"`
}

func (*verifyFilesCmd) pages() bool { return true }

// Help implements kong.HelpProvider.
func (*verifyCmd) Help() string {
	return examples(
		"bluetrail verify --keys keys.json ./AWSLogs     # short for verify files",
		"bluetrail verify evidence --data ./data -o csv > evidence.csv",
	)
}

// Help implements kong.HelpProvider.
func (*verifyFilesCmd) Help() string {
	return "CloudTrail signs what it delivers: every hour a digest file names the log files of that hour with their SHA-256, and the digest before it. " +
		"verify checks the signatures, follows the chains, hashes the log files, and reports what was changed, added, moved or is missing, also the newest hours.\n\n" +
		"Exit codes: 0 everything is proven, 1 something is damaged or missing, 2 nothing was verified (wrong usage, no such folder or bucket, no access), 3 nothing is wrong, but something could not be checked.\n\n" +
		examples(
			"aws cloudtrail list-public-keys --start-time 2026-01-01 > keys.json    # once, for each region with digests",
			"bluetrail verify --keys keys.json ./AWSLogs",
			"bluetrail verify --keys keys.json --latest 2026-03-01T00:00:00Z ./AWSLogs   # up to then nothing may be missing",
			"bluetrail verify --keys keys.json s3://my-trail/AWSLogs --earliest -7d",
			"bluetrail verify --keys keys.json ./AWSLogs -o json | jq -r .words",
		)
}

func (c *verifyFilesCmd) Run(a *app) error {
	o, err := c.options(a)
	if err != nil {
		return err
	}
	var done, total atomic.Int64
	o.Progress, o.Size = func(n int) { done.Add(int64(n)) }, total.Store
	objects, err := c.objects(a, &o)
	if err != nil {
		return err
	}
	stop := a.meter(func() (int64, int64) { return done.Load(), total.Load() }, bytes)
	r, err := digest.Verify(a.ctx, objects, o)
	stop()
	if err != nil {
		return unverified(err)
	}
	if c.DryRun {
		_, err := fmt.Fprintf(a.out, "%s and %s to read, %s: %s\n", count(r.Digests, "digest"), count(r.Logs, "log file"), bytes(r.Bytes), count(r.Digests+r.Logs, "request"))
		return err
	}
	if r.Digests == 0 && len(r.Chains) == 0 {
		hint := "name the folder that holds AWSLogs"
		if !o.Earliest.IsZero() || !o.Latest.IsZero() {
			hint += ", or widen --earliest and --latest"
		}
		return usage("there are no digest files and no log files of CloudTrail: %s; %s", diag.Printable(strings.Join(pathsOf(c.Paths), " ")), hint)
	}
	if err := c.write(a, r); err != nil {
		return err
	}
	return c.conclude(a, r, o.Keys)
}

// unverified makes an error of one that kept verify from its work: exit code 1 is for
// trails that are damaged.
func unverified(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return usageError{err}
}

// bucketWorkers is how many objects of buckets are read in parallel. They wait for the
// network, not for processors.
const bucketWorkers = 32

// objects returns what the paths name.
func (c *verifyFilesCmd) objects(a *app, o *digest.Options) (digest.Objects, error) {
	var list []digest.Objects
	var disk []string
	var client *aws.Client
	for _, p := range pathsOf(c.Paths) {
		if !bucket.Is(p) {
			disk = append(disk, p)
			continue
		}
		if client == nil {
			var err error
			if client, err = c.client(a.ctx); err != nil {
				return nil, err
			}
			// A bucket is current, so its newest hours must be there. A copy ends where it was made.
			o.Workers, o.Now = bucketWorkers, a.started
		}
		one, err := inbucket.New(client, p, o.Earliest, o.Latest)
		if err != nil {
			return nil, usageError{err}
		}
		list = append(list, one)
	}
	if len(disk) > 0 {
		list = append(list, folder.New(disk))
	}
	return digest.Join(list), nil
}

func (c *verifyFilesCmd) options(a *app) (o digest.Options, err error) {
	now := time.Now()
	if c.Now != "" {
		if now, err = splunktime.ParseTime(c.Now, now.In(a.zone())); err != nil {
			return o, usageError{err}
		}
	}
	for _, x := range []struct {
		text string
		to   *time.Time
	}{{c.Earliest, &o.Earliest}, {c.Latest, &o.Latest}} {
		if x.text != "" {
			if *x.to, err = splunktime.ParseTime(x.text, now.In(a.zone())); err != nil {
				return o, usageError{err}
			}
		}
	}
	if !o.Latest.IsZero() && !o.Earliest.Before(o.Latest) {
		return o, usage("--earliest is not before --latest")
	}
	o.DryRun = c.DryRun
	if c.Keys != "" {
		o.Keys, err = readKeys(a.path(c.Keys))
	}
	return o, err
}

// readKeys reads a file of public keys.
func readKeys(path string) (*digest.Keys, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, usage("cannot read the public keys: %w", err)
	}
	defer f.Close()
	k, err := digest.ParseKeys(json.NewDecoder(bufio.NewReader(f)))
	if err != nil {
		return nil, usage("cannot read the public keys in %q: %w", path, err)
	}
	return k, nil
}

// write writes the chains, and in a table their problems and the verdicts in words.
func (c *verifyFilesCmd) write(a *app, r *digest.Report) error {
	out := bufio.NewWriterSize(a.out, 64<<10)
	if c.Output == "json" {
		for _, x := range r.Chains {
			body, err := json.Marshal(x)
			if err == nil {
				err = writeJSON(out, body)
			}
			if err != nil {
				return err
			}
		}
		return out.Flush()
	}
	o := result.Options{Format: c.Output, Width: a.outTerm.Width, Zone: time.UTC, Terminal: a.outTerm.TTY, Colour: a.outTerm.Colour, Cancelled: a.ctx.Err}
	chains := o
	chains.Spare, chains.Whole = []string{"trail", "from", "bytes"}, []string{"account", "region", "verdict"}
	if err := a.rows(out, chains, func(w result.Writer) error { return w.Write(chainRows(r.Chains, c.Output == "list")) }); err != nil {
		return err
	}
	if c.Output == "table" && slices.ContainsFunc(r.Chains, func(x *digest.Chain) bool { return len(x.Problems) > 0 }) {
		fmt.Fprintln(out)
		if err := a.rows(out, o, func(w result.Writer) error { return w.Write(problemRows(r.Chains)) }); err != nil {
			return err
		}
		for _, x := range r.Chains {
			if x.Verdict != digest.Proven && x.Digests > 0 {
				fmt.Fprintf(out, "\n%s: %s\n", diag.Printable(x.ChainID.String()), diag.Printable(x.Words))
			}
		}
	}
	return out.Flush()
}

func chainRows(chains []*digest.Chain, words bool) *vector.Batch {
	columns := []string{"account", "region", "trail", "from", "to", "digests", "log files", "hours missing", "problems", "verdict"}
	if words {
		columns = append(columns, "words")
	}
	b := vector.NewBuilder(columns...)
	for _, x := range chains {
		trail := x.Trail
		if x.Backfill {
			trail += " (backfill)"
		}
		problems := 0
		for _, n := range x.Counts {
			problems += n
		}
		b.Add()
		for i, text := range []string{
			x.Account, x.Region, trail, minuteOf(x.From), minuteOf(x.To), strconv.Itoa(x.Digests), strconv.Itoa(x.Logs), strconv.Itoa(x.Hours), strconv.Itoa(problems), string(x.Verdict), x.Words,
		}[:len(columns)] {
			b.SetAt(i, vector.String(text))
		}
	}
	return b.Batch()
}

// mostTold bounds the problems in a table.
const mostTold = 100

func problemRows(chains []*digest.Chain) *vector.Batch {
	b := vector.NewBuilder("severity", "problem", "account", "region", "what", "object")
	rows, more := 0, 0
	for _, x := range chains {
		more += x.More
		for _, p := range x.Problems {
			if rows++; rows > mostTold {
				more++
				continue
			}
			b.Add()
			for i, text := range []string{string(p.Severity), string(p.Kind), x.Account, x.Region, p.Text, p.Object} {
				b.SetAt(i, vector.String(text))
			}
		}
	}
	if more > 0 {
		b.Add()
		b.SetAt(4, vector.String(fmt.Sprintf("and %d more; -o json has them", more)))
	}
	return b.Batch()
}

func minuteOf(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

// conclude says how much was verified, and makes the exit code.
func (c *verifyFilesCmd) conclude(a *app, r *digest.Report, keys *digest.Keys) error {
	for _, s := range r.Skipped {
		a.partly = true
		a.warn("%s: %s", s.Name, s.Text)
	}
	if r.More > 0 {
		a.warn("%s more", count(r.More, "problem"))
	}
	counts := map[digest.Verdict]int{}
	for _, x := range r.Chains {
		counts[x.Verdict]++
	}
	line := fmt.Sprintf("%d of %s proven; %s and %s read (%s), %s", counts[digest.Proven], count(len(r.Chains), "chain"), count(r.Digests, "digest"), count(r.Logs, "log file"), bytes(r.Bytes), time.Since(a.started).Round(10*time.Millisecond))
	if r.Inferred {
		line += fmt.Sprintf("; the newest file is from %s UTC, so later digests are not expected; --latest says until when none may be missing", minuteOf(r.AsOf))
	}
	a.note("%s", line)
	if keys.Len() == 0 {
		a.warn("without public keys no signature was checked; get them with: aws cloudtrail list-public-keys > keys.json, then give --keys keys.json")
	}
	switch {
	case counts[digest.Damaged] > 0:
		return fmt.Errorf("the trail is not whole: %s of %d", count(counts[digest.Damaged], "damaged chain"), len(r.Chains))
	case counts[digest.Unproven] > 0:
		a.partly = true
	}
	return nil
}
