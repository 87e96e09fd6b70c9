package generate

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Files that Write puts beside the AWSLogs folder.
const (
	LabelsFile     = "labels.jsonl"            // one Label a line: the attacks
	LookalikesFile = "lookalikes.jsonl"        // one Label a line: the harmless
	SessionsFile   = "sessions.jsonl"          // one Session a line: who is behind the events of the labels
	ThreatsFile    = "threats.csv"             // ip,country,category: some of the attackers' addresses and many others
	KeysFile       = "digest-public-keys.json" // the answer of ListPublicKeys
)

// Write generates the trail into dir, as an organisation's trail delivers it:
//
//	AWSLogs/<organisation>/<account>/CloudTrail/<region>/yyyy/mm/dd/….json.gz
//	AWSLogs/<organisation>/<account>/CloudTrail-Insight/…
//	AWSLogs/<organisation>/<account>/CloudTrail-Digest/…, each with its x-amz-meta-signature in <digest>.signature
//
// and beside it the files named by the constants above. dir is made if need be,
// and must not hold an AWSLogs already. progress, which may be nil, is called by
// one goroutine at a time with the number of records written so far and the number
// expected. When ctx ends, Write stops within a tenth of a second, what is
// there are whole files, and the summary says how many.
func Write(ctx context.Context, dir string, cfg Config, progress func(done, total int)) (Summary, error) {
	if _, err := os.Lstat(filepath.Join(dir, "AWSLogs")); err == nil {
		return Summary{}, fmt.Errorf("cannot generate into %q: it holds an AWSLogs folder already; choose another directory", dir)
	} else if !errors.Is(err, os.ErrNotExist) {
		return Summary{}, fmt.Errorf("cannot generate into %q: %w", dir, err)
	}
	sum, err := write(ctx, &directory{root: dir}, cfg, progress)
	if err != nil {
		return sum, fmt.Errorf("cannot generate into %q: %w", dir, err)
	}
	return sum, nil
}

func write(ctx context.Context, to sink, cfg Config, progress func(done, total int)) (Summary, error) {
	t, err := newTrail(ctx, cfg)
	if err != nil {
		return Summary{}, err
	}
	w := &writer{trail: t, signer: newSigner(cfg.Seed), to: to, progress: progress, chains: make([]chain, len(t.org.lanes))}
	sum, err := w.run(ctx)
	if err != nil {
		return sum, err
	}
	return sum, w.besides(&sum)
}

// writer is one run of write.
type writer struct {
	trail    *trail
	signer   *signer
	to       sink
	ctx      context.Context
	chains   []chain
	progress func(done, total int)
	mu       sync.Mutex // for progress and done
	done     int
}

// run has the workers write hour after hour of every lane, and sums up.
func (w *writer) run(ctx context.Context) (Summary, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w.ctx = ctx
	for i := range w.chains {
		w.chains[i].waiting = map[int][]logFile{}
	}
	workers := w.trail.cfg.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	lanes := len(w.trail.org.lanes)
	jobs := int64(w.trail.slots / (hour / slot) * lanes)
	var next atomic.Int64
	outputs := make([]*output, workers)
	var wait sync.WaitGroup
	for i := range workers {
		out := newOutput(w.to)
		outputs[i] = out
		wait.Go(func() {
			for job := next.Add(1) - 1; job < jobs && ctx.Err() == nil; job = next.Add(1) - 1 {
				if err := w.hour(out, w.trail.org.lanes[int(job)%lanes], int(job)/lanes); err != nil {
					cancel(err)
				}
			}
		})
	}
	wait.Wait()
	var sum Summary
	for _, out := range outputs {
		out.addTo(&sum)
	}
	return sum, context.Cause(ctx)
}

// hour writes the deliveries of one lane in one hour, and hands them to its chain of digests.
func (w *writer) hour(out *output, l *lane, hours int) error {
	var files []logFile
	before := out.records
	for s := range hour / slot {
		c := cell{l.index, hours*(hour/slot) + s}
		for _, folder := range folders {
			written, err := w.deliver(out, l, c, folder)
			if err != nil {
				return err
			}
			files = append(files, written...)
		}
	}
	w.report(out.records - before)
	return w.chains[l.index].deliver(w, out, l, hours, files)
}

func (w *writer) report(records int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done += records
	if w.progress != nil {
		w.progress(min(w.done, w.trail.expected), w.trail.expected)
	}
}

// putLines writes a list as JSON, one a line.
func putLines[T any](to sink, name string, list []T) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for _, one := range list {
		if err := e.Encode(one); err != nil {
			return err
		}
	}
	return to.put(name, b.Bytes())
}

// besides writes the labels, the threat list and the public keys.
func (w *writer) besides(sum *Summary) error {
	sum.Attacks = labels(w.trail.plot.attacks)
	slices.SortStableFunc(sum.Attacks, func(a, b Label) int { return a.First.Compare(b.First) })
	lookalikes := labels(w.trail.plot.lookalikes)
	slices.SortStableFunc(lookalikes, func(a, b Label) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), a.First.Compare(b.First))
	})
	if err := errors.Join(putLines(w.to, LabelsFile, sum.Attacks), putLines(w.to, LookalikesFile, lookalikes), putLines(w.to, SessionsFile, w.trail.plot.sessions)); err != nil {
		return err
	}
	var b bytes.Buffer
	rows := csv.NewWriter(&b)
	lines := [][]string{{"ip", "country", "category"}}
	for _, t := range w.trail.plot.threats {
		lines = append(lines, []string{t.address, t.country, t.category})
	}
	slices.SortFunc(lines[1:], slices.Compare)
	if err := rows.WriteAll(lines); err != nil {
		return err
	}
	if err := w.to.put(ThreatsFile, b.Bytes()); err != nil {
		return err
	}
	from := time.Unix(w.trail.first, 0).UTC()
	keys, err := json.MarshalIndent(w.signer.list(from.AddDate(0, 0, -7), from.AddDate(0, 0, w.trail.cfg.Days+30)), "", "  ")
	if err != nil {
		return err
	}
	return w.to.put(KeysFile, append(keys, '\n'))
}
