package digest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Verdict says what is known of a chain.
type Verdict string

// The verdicts.
const (
	Proven   Verdict = "proven"   // all of it
	Unproven Verdict = "unproven" // nothing is wrong, and something could not be checked
	Damaged  Verdict = "damaged"
)

// Severity is how much a problem matters, in the words of rules.
type Severity string

// The severities.
const (
	High   Severity = "high"
	Medium Severity = "medium"
	Low    Severity = "low"
)

func (s Severity) rank() int { return slices.Index([]Severity{Low, Medium, High}, s) }

// Kind is a kind of problem.
type Kind string

// The kinds of problems.
const (
	LogModified   Kind = "log_modified"   // the hash is not the one in the digest
	LogMissing    Kind = "log_missing"    // a digest names it
	LogUnreadable Kind = "log_unreadable" // broken, or not to be read
	LogMoved      Kind = "log_moved"      // it lies elsewhere than the digest says
	LogUnnamed    Kind = "log_unnamed"    // no digest of its hour names it

	DigestModified   Kind = "digest_modified"   // hash or signature are wrong
	DigestMissing    Kind = "digest_missing"    // hours within the chain
	DigestLate       Kind = "digest_late"       // the newest hours
	DigestMoved      Kind = "digest_moved"      // it lies elsewhere than it says
	DigestUnlinked   Kind = "digest_unlinked"   // the next one names another
	DigestUnsigned   Kind = "digest_unsigned"   // no signature is at hand
	DigestUnreadable Kind = "digest_unreadable" // broken, or not to be read

	KeyUnknown   Kind = "key_unknown"   // the public key is not at hand
	KeyExpired   Kind = "key_expired"   // the key was not valid then
	ChainRestart Kind = "chain_restart" // a digest names none before it
	NoDigests    Kind = "no_digests"    // log files of an account and region without a digest
)

// Problem is something that is wrong with a chain, or that could not be checked.
type Problem struct {
	Kind     Kind      `json:"kind"`
	Severity Severity  `json:"severity"`
	Object   string    `json:"object,omitempty"` // a URL or a key
	From     time.Time `json:"from"`             // what it concerns
	To       time.Time `json:"to"`
	Text     string    `json:"text"`
	Pending  bool      `json:"pending,omitempty"` // it may still arrive
}

// ChainID tells chains apart.
type ChainID struct {
	Root     string `json:"root,omitempty"` // prefix and organization in the bucket
	Account  string `json:"account"`
	Region   string `json:"region"`
	Trail    string `json:"trail,omitempty"`
	Home     string `json:"home_region,omitempty"` // of the trail
	Backfill bool   `json:"backfill,omitempty"`
}

// String names a chain in one line.
func (c ChainID) String() string {
	parts := []string{c.Account, c.Region}
	if c.Trail != "" {
		parts = append(parts, "trail "+c.Trail)
	}
	if c.Backfill {
		parts = append(parts, "backfill")
	}
	if c.Root != "" && !strings.HasPrefix(c.Root, "AWSLogs/") {
		parts = append(parts, "in "+c.Root)
	}
	return strings.Join(parts, " ")
}

// Chain is what was found out about a chain of digests and the log files that it names.
type Chain struct {
	ChainID
	Verdict  Verdict      `json:"verdict"`
	Words    string       `json:"words"` // the verdict, to be quoted
	From     time.Time    `json:"from"`  // covered by digests
	To       time.Time    `json:"to"`
	Digests  int          `json:"digests"`
	Signed   int          `json:"signed"` // of them, with a valid signature
	Linked   int          `json:"linked"` // of them, without, but a proven digest has their hash
	Logs     int          `json:"logs"`   // whose hash is right
	Known    int          `json:"known"`  // log files that were verified before
	Bytes    int64        `json:"bytes"`  // of these log files without compression
	Hours    int          `json:"hours_missing"`
	Keys     []string     `json:"keys"` // fingerprints
	Notes    []string     `json:"notes,omitempty"`
	Counts   map[Kind]int `json:"counts"`
	Problems []Problem    `json:"problems"`
	More     int          `json:"more_problems,omitempty"`
}

// maxProblems bounds the problems of a chain that are kept. The others are counted.
const maxProblems = 500

func (c *Chain) add(p Problem) {
	if c.Counts == nil {
		c.Counts = map[Kind]int{}
	}
	c.Counts[p.Kind]++
	if len(c.Problems) == maxProblems {
		c.More++
		return
	}
	c.Problems = append(c.Problems, p)
}

// Worst returns the severity of the worst problem, "" = there is none.
func (c *Chain) Worst() (worst Severity) {
	for i := range c.Problems {
		if p := &c.Problems[i]; !p.Pending && p.Severity.rank() > worst.rank() {
			worst = p.Severity
		}
	}
	return worst
}

// Report is what Verify found out.
type Report struct {
	Chains   []*Chain
	AsOf     time.Time // until when digests are expected
	Inferred bool      // AsOf is that of the newest file, not of a clock
	Digests  int
	Logs     int   // that were hashed
	Bytes    int64 // of them, without compression
	Other    int   // files that are neither digests nor log files
	Skipped  []Skipped
	More     int // skipped ones that are not listed
}

// Skipped is an object that could not be listed or read.
type Skipped struct{ Name, Text string }

const maxSkipped = 200

// Verdict returns the worst verdict of all chains.
func (r *Report) Verdict() Verdict {
	all := Proven
	for _, c := range r.Chains {
		switch {
		case c.Verdict == Damaged:
			return Damaged
		case c.Verdict == Unproven:
			all = Unproven
		}
	}
	return all
}

// benign are the kinds that leave something unproven. The others are damage.
var benign = map[Kind]bool{DigestUnsigned: true, KeyUnknown: true, NoDigests: true}

// judge sorts the problems and says the verdict in words.
func (c *Chain) judge(now time.Time) {
	slices.SortStableFunc(c.Problems, func(a, b Problem) int {
		return cmp.Or(b.Severity.rank()-a.Severity.rank(), a.From.Compare(b.From), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Object, b.Object))
	})
	c.Verdict = Proven
	for i := range c.Problems {
		p := &c.Problems[i]
		switch {
		case !benign[p.Kind] && p.Severity != Low && !p.Pending:
			c.Verdict = Damaged
		case c.Verdict == Proven && (benign[p.Kind] || p.Severity != Low || p.Kind == LogUnreadable):
			c.Verdict = Unproven
		}
	}
	slices.Sort(c.Keys)
	c.Keys = slices.Compact(c.Keys)
	if c.Keys == nil {
		c.Keys = []string{}
	}
	if c.Problems == nil {
		c.Problems = []Problem{}
	}
	c.Words = c.words(now)
}

// words say the verdict.
func (c *Chain) words(now time.Time) string {
	if c.Digests == 0 {
		return c.Problems[0].Text + "."
	}
	logs := number(c.Logs, "log file")
	if c.Known > 0 {
		logs += fmt.Sprintf(" (%d of them before)", c.Known)
	}
	hashed := fmt.Sprintf("the SHA-256 of %s was checked and is the one that the digests name", logs)
	if c.Logs != 1 {
		hashed = strings.Replace(hashed, " was checked and is the one", " were checked and are those", 1)
	}
	var text string
	switch {
	case c.Signed == 0:
		text = fmt.Sprintf("%s, %s to %s UTC: no signature could be checked; %s", number(c.Digests, "digest"), clock(c.From), clock(c.To), hashed)
	default:
		text = fmt.Sprintf("%s, %s to %s UTC: %d with a valid signature of CloudTrail's key %s", number(c.Digests, "digest"), clock(c.From), clock(c.To), c.Signed, strings.Join(c.Keys, ", "))
		if c.Linked > 0 {
			text += fmt.Sprintf(", %d proven by the digest after them", c.Linked)
		}
		text += "; " + hashed
	}
	counts := c.told()
	switch c.Verdict {
	case Proven:
		text = "Proven whole. " + text
		if len(counts) > 0 {
			text += "; also noted: " + strings.Join(counts, ", ")
		}
	case Unproven:
		text = "Not proven. " + text + "; could not be checked: " + strings.Join(counts, ", ")
	case Damaged:
		text = "NOT WHOLE: " + strings.Join(counts, ", ") + ". " + text
	}
	for _, n := range c.Notes {
		text += "; " + n
	}
	return text + fmt.Sprintf(". Verified %s UTC.", clock(now))
}

// told are the problems in few words, the worst kinds first.
func (c *Chain) told() (list []string) {
	for _, k := range kindOrder {
		n := c.Counts[k.kind]
		switch {
		case n == 0:
		case k.kind == DigestMissing || k.kind == DigestLate:
			hours := 0
			for i := range c.Problems {
				if p := &c.Problems[i]; p.Kind == k.kind {
					hours += hoursBetween(p.From, p.To)
				}
			}
			list = append(list, number(hours, "hour")+" "+k.text)
		default:
			list = append(list, number(n, k.noun)+" "+k.text)
		}
	}
	return list
}

var kindOrder = []struct {
	kind       Kind
	noun, text string
}{
	{DigestModified, "digest", "changed"},
	{LogModified, "log file", "changed"},
	{LogMissing, "log file", "missing"},
	{LogUnnamed, "log file", "that no digest names"},
	{DigestMissing, "", "without a digest"},
	{DigestLate, "", "without a digest at the end"},
	{DigestUnlinked, "digest", "outside of the chain"},
	{KeyExpired, "digest", "signed by a key that was not valid then"},
	{LogUnreadable, "log file", "unreadable"},
	{DigestUnreadable, "digest", "unreadable"},
	{DigestMoved, "digest", "not where it says"},
	{LogMoved, "log file", "not where its digest says"},
	{ChainRestart, "restart", "of the chain"},
	{KeyUnknown, "public key", "not at hand"},
	{DigestUnsigned, "digest", "without a signature"},
	{NoDigests, "region", "without digests"},
}

func number(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// hoursBetween counts the digests that are due between two times.
func hoursBetween(from, to time.Time) int {
	return max(1, int((to.Sub(from)+30*time.Minute)/time.Hour))
}
