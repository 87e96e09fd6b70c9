package digest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// chain is a Chain in the making.
type chain struct {
	Chain
	v     *verifier
	links []*link
	spans []hours // that digests cover, in order, joined where they meet
	holes []hole
}

type hours struct{ from, to time.Time }

// hole is a time without digests, and the problem that tells of it.
type hole struct {
	hours
	problem int // index, -1 = it is not listed
	restart bool
}

// link is a digest of a chain.
type link struct {
	e     *entry
	d     *Digest // nil = err says why it cannot be read
	err   error
	hash  string
	meta  Meta
	next  *link  // that names it; nil = none
	by    string // as Evidence.By
	known bool   // it was verified before, with its log files
	bad   bool   // a log file of it is not as it says
	late  bool   // a log file of it may still arrive
	logs  int
	bytes int64
}

func (l *link) end() time.Time {
	if l.d != nil {
		return l.d.End
	}
	return l.e.at
}

// read reads the digests.
func (c *chain) read(ctx context.Context, list []*entry) error {
	c.links = make([]*link, len(list))
	err := c.v.each(ctx, len(list), func(i int) error {
		l := &link{e: list[i]}
		c.links[i] = l
		var body bytes.Buffer
		l.hash, _, l.err = c.v.read(ctx, &l.e.Object, &body)
		if l.err == nil {
			l.d, l.err = Parse(body.Bytes())
		}
		if l.err == nil {
			if l.meta, l.err = c.v.src.Meta(ctx, &l.e.Object); l.err != nil {
				c.v.skip(l.e.Name, l.err)
				l.err = nil
			}
		}
		return ctx.Err()
	})
	c.v.mu.Lock()
	c.v.rep.Digests += len(list)
	c.v.mu.Unlock()
	slices.SortFunc(c.links, func(a, b *link) int { return cmp.Or(a.end().Compare(b.end()), strings.Compare(a.e.Key, b.e.Key)) })
	return err
}

// walk follows the chain and says what proves each digest.
func (c *chain) walk() {
	c.drop()
	byBase := map[string]*link{}
	for _, l := range c.links {
		if l.d == nil {
			c.add(Problem{Kind: DigestUnreadable, Severity: High, Object: l.e.Name, From: l.e.at.Add(-time.Hour), To: l.e.at, Text: "the digest cannot be read: " + l.err.Error()})
			byBase[baseOf(l.e.Key)] = l
			continue
		}
		byBase[baseOf(l.d.Object)] = l
		c.cover(l.d)
		n, _ := parseName(l.e.Key)
		if !l.e.isAt(l.d.Bucket, l.d.Object) || n.account != l.d.Account {
			c.add(Problem{Kind: DigestMoved, Severity: Medium, Object: l.e.Name, From: l.d.Start, To: l.d.End, Text: fmt.Sprintf("the digest says that it is s3://%s/%s", l.d.Bucket, l.d.Object)})
		}
	}
	c.Digests = len(c.links)
	for i, l := range c.links {
		if l.d == nil {
			continue
		}
		var before *link
		if i > 0 {
			before = c.links[i-1]
		}
		c.follow(l, before, byBase)
	}
	for i := len(c.links) - 1; i >= 0; i-- {
		if l := c.links[i]; l.d != nil {
			c.prove(l)
		}
	}
	c.ending()
}

// drop leaves out second copies of a digest. The one in its place stays.
func (c *chain) drop() {
	seen := map[string]*link{}
	c.links = slices.DeleteFunc(c.links, func(l *link) bool {
		if l.d == nil {
			return false
		}
		first := seen[l.d.Object]
		if first == nil {
			seen[l.d.Object] = l
			return false
		}
		if l.hash == first.hash {
			c.Notes = append(c.Notes, fmt.Sprintf("%s is a second copy of a digest", l.e.Name))
			return true
		}
		if !first.e.isAt(first.d.Bucket, first.d.Object) && l.e.isAt(l.d.Bucket, l.d.Object) {
			*first, *l = *l, *first
		}
		c.add(Problem{Kind: DigestModified, Severity: High, Object: l.e.Name, From: l.d.Start, To: l.d.End, Text: "it says that it is the same digest as " + first.e.Name + ", and has other content"})
		return true
	})
}

// cover adds the hour of a digest to what the chain covers.
func (c *chain) cover(d *Digest) {
	if c.From.IsZero() || d.Start.Before(c.From) {
		c.From = d.Start
	}
	if d.End.After(c.To) {
		c.To = d.End
	}
	if n := len(c.spans); n > 0 && !d.Start.After(c.spans[n-1].to) {
		if d.End.After(c.spans[n-1].to) {
			c.spans[n-1].to = d.End
		}
		return
	}
	c.spans = append(c.spans, hours{d.Start, d.End})
}

// follow looks at what a digest says of the one before it. before is the one before it
// in time, nil = none.
func (c *chain) follow(l, before *link, byBase map[string]*link) {
	d := l.d
	if d.PreviousObject == "" {
		if before != nil && !c.Backfill {
			p := Problem{Kind: ChainRestart, Severity: Low, Object: l.e.Name, From: before.end(), To: d.Start, Text: fmt.Sprintf("the chain starts anew at %s UTC", clock(d.Start))}
			if d.Start.Sub(before.end()) > edge {
				p.Severity = Medium
				p.Text = fmt.Sprintf("the chain starts anew at %s UTC, %s after its last digest: in between nothing was validated", clock(d.Start), number(hoursBetween(before.end(), d.Start), "hour"))
				c.Hours += hoursBetween(p.From, p.To)
			}
			c.hole(p, true)
		}
		return
	}
	previous := byBase[baseOf(d.PreviousObject)]
	if previous != nil && (previous == l || !previous.end().Before(d.End)) {
		previous = nil // a digest that names a later one names none
	}
	if previous == nil {
		early := !c.v.o.Earliest.IsZero() && c.v.o.Earliest.After(d.Start.Add(-time.Hour))
		if n, ok := parseName(d.PreviousObject); before == nil {
			if !early {
				at := d.Start
				if ok {
					at = n.at
				}
				c.Notes = append(c.Notes, fmt.Sprintf("the chain goes back further, its digests to %s UTC are not here", clock(at)))
			}
			return
		}
		c.missing(before.end(), d.Start, d.PreviousObject)
		return
	}
	previous.next = l
	// Digests between the two in time are outside of the chain.
	for at := slices.Index(c.links, l) - 1; at >= 0 && c.links[at] != previous; at-- {
		x := c.links[at]
		if x.d == nil || !x.end().After(previous.end()) {
			continue
		}
		c.add(Problem{Kind: DigestUnlinked, Severity: High, Object: x.e.Name, From: x.d.Start, To: x.d.End, Text: "the digest after it names another one, " + previous.e.Name})
	}
	if gap := d.Start.Sub(previous.end()); gap > edge {
		c.Notes = append(c.Notes, fmt.Sprintf("CloudTrail made no digest from %s to %s UTC, and says so in its chain", clock(previous.end()), clock(d.Start)))
	}
}

// missing tells of hours whose digests are not there.
func (c *chain) missing(from, to time.Time, named string) {
	n := hoursBetween(from, to)
	text := fmt.Sprintf("the digest of the hour from %s to %s UTC is missing", clock(from), clock(to))
	if n > 1 {
		text = fmt.Sprintf("%d digests in a row are missing, %s to %s UTC", n, clock(from), clock(to))
	}
	c.Hours += n
	c.hole(Problem{Kind: DigestMissing, Severity: High, Object: named, From: from, To: to, Text: text}, false)
}

func (c *chain) hole(p Problem, restart bool) {
	h := hole{hours{p.From, p.To}, -1, restart}
	if len(c.Problems) < maxProblems {
		h.problem = len(c.Problems)
	}
	c.add(p)
	c.holes = append(c.holes, h)
}

// What proves a digest.
const (
	bySignature = "signature"
	byNext      = "next digest"
	byChain     = "chain"
)

// prove checks the signature of a digest, and what the one after it says of it, which
// is to be proven before.
func (c *chain) prove(l *link) {
	d := l.d
	problem := func(kind Kind, severity Severity, format string, args ...any) {
		c.add(Problem{Kind: kind, Severity: severity, Object: l.e.Name, From: d.Start, To: d.End, Text: fmt.Sprintf(format, args...)})
	}
	if c.v.o.Known != nil {
		if hash, ok := c.v.o.Known(d.Object); ok {
			if l.known = hash == l.hash; !l.known {
				problem(DigestModified, High, "the content is not what it was when it was verified before (SHA-256 %s, now %s)", hash, l.hash)
			}
		}
	}
	same := l.next != nil && strings.EqualFold(l.next.d.PreviousHash, l.hash)
	if l.next != nil && !same {
		problem(DigestModified, High, "its SHA-256 is %s, and the digest after it says %s", l.hash, l.next.d.PreviousHash)
	}
	defer func() {
		if l.by == "" && same && l.next.by != "" {
			l.by = byChain
		}
		switch l.by {
		case bySignature, byNext:
			c.Signed++
			c.Keys = append(c.Keys, d.Fingerprint)
		case byChain:
			c.Linked++
		}
	}()
	theirs := ""
	if l.next != nil {
		theirs = l.next.d.PreviousSignature
	}
	if l.meta.Signature == "" && theirs == "" {
		problem(DigestUnsigned, Low, "its signature is not at hand: it is kept in the metadata of the object, which the copy lacks, and in the digest after it")
		return
	}
	at := d.End
	if c.Backfill {
		at = l.meta.Backfill // zero = not at hand: any time
	}
	key, err := c.v.o.Keys.find(d.Fingerprint, at)
	switch {
	case errors.Is(err, errUnknownKey):
		c.unknown(l)
		return
	case err != nil:
		problem(KeyExpired, High, "it is signed by key %s, which was not valid at %s UTC", d.Fingerprint, clock(at))
		return
	}
	own, other := errNone, errNone
	if l.meta.Signature != "" {
		own = d.check(key, l.hash, l.meta.Signature)
	}
	if theirs != "" && own != nil {
		other = d.check(key, l.hash, theirs)
	}
	switch {
	case own == nil:
		l.by = bySignature
	case other == nil:
		l.by = byNext
		if own != errNone {
			problem(DigestModified, Medium, "the signature in its metadata is wrong; the one in the digest after it is right, so that the content is as CloudTrail made it")
		}
	case same || l.next == nil:
		problem(DigestModified, High, "its signature is wrong: it was changed, or CloudTrail did not make it")
	}
}

var errNone = errors.New("there is none")

// unknown tells once of a key that is not at hand.
func (c *chain) unknown(l *link) {
	for i := range c.Problems {
		if p := &c.Problems[i]; p.Kind == KeyUnknown && strings.Contains(p.Text, l.d.Fingerprint) {
			p.From = l.d.Start // the walk goes back in time
			return
		}
	}
	p := Problem{Kind: KeyUnknown, Severity: Low, Object: l.e.Name, From: l.d.Start, To: l.d.End, Text: fmt.Sprintf("the public key %s is not at hand, so signatures are not checked", l.d.Fingerprint)}
	if c.v.o.Keys.Len() > 0 {
		p.Severity, p.Text = High, fmt.Sprintf("the public key %s is not among those given: they lack it, or CloudTrail did not sign this", l.d.Fingerprint)
	}
	c.add(p)
}

// Allowances for the newest digest.
const (
	lateClock = time.Hour        // after its end it is delivered
	lateCopy  = 15 * time.Minute // the same, where other files tell the time
)

// ending looks for digests that are missing at the end.
func (c *chain) ending() {
	if c.Backfill || c.To.IsZero() {
		return
	}
	allowed := lateClock
	if c.v.o.Now.IsZero() {
		allowed = lateCopy
	}
	due := c.To.Add(time.Hour)
	left := c.v.asOf.Sub(due.Add(allowed))
	switch {
	case left >= 0:
		n := 1 + int(left/time.Hour)
		to := c.To.Add(time.Duration(n) * time.Hour)
		c.Hours += n
		p := Problem{Kind: DigestLate, Severity: Medium, From: c.To, To: to, Text: fmt.Sprintf("the chain ends at %s UTC: the newest %s missing, or validation or logging was stopped", clock(c.To), number(n, "digest")+" "+map[bool]string{true: "is", false: "are"}[n == 1])}
		if n >= 3 {
			p.Severity = High
		}
		if c.v.rep.Inferred {
			p.Text += fmt.Sprintf("; other files here go to %s UTC", clock(c.v.asOf))
		}
		c.hole(p, false)
	case c.v.rep.Inferred && !due.After(c.v.asOf.Add(lateCopy)):
		c.Notes = append(c.Notes, fmt.Sprintf("the digest of the hour to %s UTC may be missing, or was not delivered yet when the copy was made", clock(due)))
	}
}

// hash verifies the log files that the digests name.
func (c *chain) hash(ctx context.Context) error {
	type job struct {
		l   *link
		log *Log
		e   *entry
	}
	var jobs []job
	for _, l := range c.links {
		if l.d == nil {
			continue
		}
		for i := range l.d.Logs {
			log := &l.d.Logs[i]
			e, moved := c.v.lookup(log.Bucket, log.Object)
			if e == nil {
				c.absent(l, log)
				continue
			}
			e.named.Store(true)
			if moved {
				l.bad = true
				c.add(Problem{Kind: LogMoved, Severity: Medium, Object: e.Name, From: l.d.Start, To: l.d.End, Text: "its digest says that it is at " + log.Object})
			}
			if l.known {
				c.Known++
				c.Logs++
				continue
			}
			jobs = append(jobs, job{l, log, e})
		}
	}
	err := c.v.each(ctx, len(jobs), func(i int) error {
		j := &jobs[i]
		sum, n, err := c.v.read(ctx, &j.e.Object, nil)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c.v.mu.Lock()
		defer c.v.mu.Unlock()
		c.v.rep.Logs++
		c.v.rep.Bytes += n
		problem := func(kind Kind, format string, args ...any) {
			j.l.bad = true
			c.add(Problem{Kind: kind, Severity: High, Object: j.e.Name, From: j.e.at, To: j.e.at, Text: fmt.Sprintf(format, args...)})
		}
		switch {
		case err != nil:
			problem(LogUnreadable, "the log file cannot be read to its end: %v", err)
		case !strings.EqualFold(sum, j.log.Hash):
			problem(LogModified, "its SHA-256 is %s, and its digest says %s: it was changed after its delivery", sum, j.log.Hash)
		default:
			c.Logs++
			c.Bytes += n
			j.l.logs++
			j.l.bytes += n
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.v.mu.Lock()
	defer c.v.mu.Unlock()
	for _, l := range c.links {
		if l.d != nil && c.v.o.Each != nil && !l.known {
			c.v.o.Each(&Evidence{
				Chain: c.ChainID, Key: l.d.Object, Start: l.d.Start, End: l.d.End, Hash: l.hash, Signature: cmp.Or(l.meta.Signature, signatureIn(l.next)), Fingerprint: l.d.Fingerprint,
				By: l.by, Logs: l.logs, Bytes: l.bytes, Whole: l.by != "" && !l.bad && !l.late, Pending: l.late && !l.bad,
			})
		}
	}
	c.links = nil
	return nil
}

func signatureIn(next *link) string {
	if next == nil {
		return ""
	}
	return next.d.PreviousSignature
}

// absent tells of a log file that is not there.
func (c *chain) absent(l *link, log *Log) {
	if outside := !c.v.o.Earliest.IsZero(); outside {
		if n, ok := parseName(log.Object); ok && n.at.Add(slackTime).Before(c.v.o.Earliest) {
			return
		}
	}
	p := Problem{Kind: LogMissing, Severity: High, Object: log.Object, From: l.d.Start, To: l.d.End, Text: fmt.Sprintf("the digest of %s UTC names this log file, and it is not there", clock(l.d.End))}
	if c.v.o.Grace > 0 && !l.e.Changed.IsZero() && cmp.Or(c.v.o.Now, time.Now()).Sub(l.e.Changed) < c.v.o.Grace {
		l.late, p.Pending = true, true
	} else {
		l.bad = true
	}
	c.add(p)
}
