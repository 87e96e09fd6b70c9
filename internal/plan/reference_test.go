package plan_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/spl/exec"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The reference evaluator processes one row at a time, with a map per row. It
// shares nothing with the engine but the text of the search.

type refRow map[string][]string

func (r refRow) text(f string) (string, bool) {
	if v := r[f]; len(v) > 0 {
		return v[0], true
	}
	return "", false
}

// stage is one command: its text and its reference implementation.
type stage struct {
	text string
	run  func(rows []refRow) []refRow
	// the row order no longer matters
	unordered bool
}

const refNumber, refList = "requestParameters.n", "requestParameters.tags{}"

var (
	refTexts  = []string{"eventName", "userIdentity.userName", "sourceIPAddress", "errorMessage", "requestParameters.deep.name"}
	refFields = append(slices.Clone(refTexts), refNumber, refList)
	refValues = []string{"alpha", "Alpha", "BETA", "beta gamma", "a.b", "10", "9", "010", "", "x*y", "198.51.100.7"}
)

// refEvents makes events with few distinct values, many of them missing, and
// the rows that the reference sees. Later events come first, as in a search.
func refEvents(rnd *rand.Rand, n int) (events []loaded, rows []refRow) {
	at := map[string]int{}
	for i := range n {
		row, ts := refRow{}, 1767600000+rnd.IntN(n)
		members := map[string]string{}
		for _, f := range refTexts {
			if v := refValues[rnd.IntN(len(refValues))]; rnd.IntN(4) > 0 {
				row[f], members[f] = []string{v}, compact(v)
			}
		}
		if rnd.IntN(3) > 0 {
			v := strconv.Itoa(rnd.IntN(12) - 3)
			row[refNumber], members[refNumber] = []string{v}, v
		}
		if tags := refValues[:3][:rnd.IntN(4)]; len(tags) > 0 {
			row[refList], members[refList] = tags, compact(tags)
		}
		member := func(key, f string) string {
			if v, ok := members[f]; ok {
				return fmt.Sprintf(",%q:%s", key, v)
			}
			return ""
		}
		when := time.Unix(int64(ts), 0).UTC().Format(time.RFC3339)
		raw := fmt.Sprintf(`{"eventVersion":"1.08","eventID":"e%d","eventTime":%q%s%s%s,"userIdentity":{"type":"IAMUser"%s},"requestParameters":{"z":0%s%s,"deep":{"y":1%s}}}`,
			i, when, member("eventName", "eventName"), member("sourceIPAddress", "sourceIPAddress"), member("errorMessage", "errorMessage"),
			member("userName", "userIdentity.userName"), member("n", refNumber), member("tags", refList), member("name", "requestParameters.deep.name"))
		row["_time"], row["_raw"], row["eventID"] = []string{strconv.Itoa(ts)}, []string{raw}, []string{fmt.Sprintf("e%d", i)}
		at[row["eventID"][0]] = i
		events = append(events, loaded{raw, event.Meta{Index: "aws", Sourcetype: event.CloudTrail, Source: "script", Host: "aws"}})
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b refRow) int {
		return cmp.Or(cmp.Compare(b["_time"][0], a["_time"][0]), at[b["eventID"][0]]-at[a["eventID"][0]])
	})
	return events, rows
}

// quoted quotes a value for a search.
func quoted(v string) string { return strconv.Quote(v) }

// refPattern compiles a value of a search: case-insensitive, * matches
// anything.
func refPattern(v string) *regexp.Regexp {
	return regexp.MustCompile(`(?is)^` + strings.ReplaceAll(regexp.QuoteMeta(v), `\*`, `.*`) + `$`)
}

type refTest struct {
	text string
	pass func(refRow) bool
}

// refSearch generates a random search expression.
func refSearch(t *rapid.T, depth int) refTest {
	f := rapid.SampledFrom(refFields).Draw(t, "field")
	v := rapid.SampledFrom(append([]string{"*", "a*", "*A", "b*a"}, refValues...)).Draw(t, "value")
	any := func(want *regexp.Regexp) func(refRow) bool {
		return func(r refRow) bool { return slices.ContainsFunc(r[f], want.MatchString) }
	}
	kind := rapid.IntRange(0, 8).Draw(t, "kind")
	if depth == 0 {
		kind %= 5
	}
	switch kind {
	case 0:
		return refTest{f + "=" + quoted(v), any(refPattern(v))}
	case 1:
		want := refPattern(v)
		return refTest{f + "!=" + quoted(v), func(r refRow) bool {
			return slices.ContainsFunc(r[f], func(s string) bool { return !want.MatchString(s) })
		}}
	case 2:
		w := rapid.SampledFrom(refValues).Draw(t, "other")
		one, two := any(refPattern(v)), any(refPattern(w))
		return refTest{f + " IN (" + quoted(v) + ", " + quoted(w) + ")", func(r refRow) bool { return one(r) || two(r) }}
	case 3:
		limit := rapid.IntRange(-3, 9).Draw(t, "limit")
		return refTest{fmt.Sprintf("%s>%d", refNumber, limit), func(r refRow) bool {
			n, err := strconv.Atoi(strings.Join(r[refNumber], " "))
			return err == nil && n > limit
		}}
	case 4:
		w := rapid.SampledFrom([]string{"alpha", "gamma", "BETA", "nothing"}).Draw(t, "word")
		want := regexp.MustCompile(`(?i)\b` + w + `\b`)
		return refTest{w, func(r refRow) bool { return want.MatchString(r["_raw"][0]) }}
	case 5, 6:
		a, b := refSearch(t, depth-1), refSearch(t, depth-1)
		if kind == 5 {
			return refTest{"(" + a.text + ") (" + b.text + ")", func(r refRow) bool { return a.pass(r) && b.pass(r) }}
		}
		return refTest{"(" + a.text + ") OR (" + b.text + ")", func(r refRow) bool { return a.pass(r) || b.pass(r) }}
	}
	a := refSearch(t, depth-1)
	return refTest{"NOT (" + a.text + ")", func(r refRow) bool { return !a.pass(r) }}
}

// refEqual compares like where: numerically if both values are numbers.
func refEqual(a, b string) bool {
	x, err := strconv.Atoi(a)
	y, other := strconv.Atoi(b)
	return a == b || err == nil && other == nil && x == y
}

func selection(rows []refRow, pass func(refRow) bool) (kept []refRow) {
	for _, r := range rows {
		if pass(r) {
			kept = append(kept, r)
		}
	}
	return kept
}

// each rewrites rows, which earlier stages may share.
func each(rows []refRow, change func(refRow)) (out []refRow) {
	for _, r := range rows {
		r = maps.Clone(r)
		change(r)
		out = append(out, r)
	}
	return out
}

// groups groups rows by a field; rows with several values belong to several
// groups.
func groups(rows []refRow, by string) map[string][]refRow {
	found := map[string][]refRow{}
	for _, r := range rows {
		for _, v := range r[by] {
			found[v] = append(found[v], r)
		}
	}
	return found
}

// refAggregates computes count, dc, values, sum and max of rows.
func refAggregates(rows []refRow, f string) refRow {
	out := refRow{"count": {strconv.Itoa(len(rows))}}
	distinct := map[string]bool{}
	sum, most, numbers := 0, 0, 0
	for _, r := range rows {
		for _, v := range r[f] {
			distinct[v] = true
		}
		if n, err := strconv.Atoi(strings.Join(r[refNumber], " ")); err == nil {
			if sum += n; numbers == 0 || n > most {
				most = n
			}
			numbers++
		}
	}
	out["dc"] = []string{strconv.Itoa(len(distinct))}
	if len(distinct) > 0 {
		out["values"] = slices.Sorted(maps.Keys(distinct))
	}
	if numbers > 0 {
		out["sum"], out["max"] = []string{strconv.Itoa(sum)}, []string{strconv.Itoa(most)}
	}
	return out
}

// refStage generates a command that may appear anywhere.
func refStage(t *rapid.T) stage {
	f := rapid.SampledFrom(refTexts).Draw(t, "of")
	n := rapid.IntRange(0, 12).Draw(t, "n")
	v := rapid.SampledFrom(refValues).Draw(t, "literal")
	switch rapid.IntRange(0, 10).Draw(t, "command") {
	case 0:
		s := refSearch(t, 1)
		return stage{text: "search " + s.text, run: func(rows []refRow) []refRow { return selection(rows, s.pass) }}
	case 1:
		return stage{text: fmt.Sprintf("where '%s'=%s", f, quoted(v)), run: func(rows []refRow) []refRow {
			return selection(rows, func(r refRow) bool { s, ok := r.text(f); return ok && refEqual(s, v) })
		}}
	case 2:
		return stage{text: fmt.Sprintf("where isnull('%s') OR '%s'>%d", f, refNumber, n), run: func(rows []refRow) []refRow {
			return selection(rows, func(r refRow) bool {
				_, has := r.text(f)
				x, err := strconv.Atoi(strings.Join(r[refNumber], " "))
				return !has || err == nil && x > n
			})
		}}
	case 3:
		return stage{text: fmt.Sprintf("eval made=upper('%s'), more='%s'*2+%d", f, refNumber, n), run: func(rows []refRow) []refRow {
			return each(rows, func(r refRow) {
				delete(r, "made")
				delete(r, "more")
				if s, ok := r.text(f); ok {
					r["made"] = []string{strings.ToUpper(s)}
				}
				if x, err := strconv.Atoi(strings.Join(r[refNumber], " ")); err == nil {
					r["more"] = []string{strconv.Itoa(2*x + n)}
				}
			})
		}}
	case 4:
		return stage{text: fmt.Sprintf(`eval made=coalesce('%s', "none"), more=mvcount('%s')`, f, refList), run: func(rows []refRow) []refRow {
			return each(rows, func(r refRow) {
				r["made"] = []string{"none"}
				if s, ok := r.text(f); ok {
					r["made"] = []string{s}
				}
				delete(r, "more")
				if n := len(r[refList]); n > 0 {
					r["more"] = []string{strconv.Itoa(n)}
				}
			})
		}}
	case 5:
		return stage{text: fmt.Sprintf("head %d", n), run: func(rows []refRow) []refRow { return rows[:min(n, len(rows))] }}
	case 6:
		return stage{text: "dedup " + f, run: func(rows []refRow) []refRow {
			seen := map[string]bool{}
			return selection(rows, func(r refRow) bool {
				s, ok := r.text(f)
				first := ok && !seen[s]
				seen[s] = seen[s] || ok
				return first
			})
		}}
	case 7:
		return stage{text: "fillnull value=filled " + f, run: func(rows []refRow) []refRow {
			return each(rows, func(r refRow) {
				if len(r[f]) == 0 {
					r[f] = []string{"filled"}
				}
			})
		}}
	case 8:
		return stage{text: "streamstats count as made | eventstats count as more by " + f, run: func(rows []refRow) []refRow {
			of := groups(rows, f)
			i := 0
			return each(rows, func(r refRow) {
				i++
				r["made"] = []string{strconv.Itoa(i)}
				if s, ok := r.text(f); ok {
					r["more"] = []string{strconv.Itoa(len(of[s]))}
				}
			})
		}}
	case 9:
		return stage{text: fmt.Sprintf("search %s=* | mvexpand %s", refList, refList), run: func(rows []refRow) (out []refRow) {
			for _, r := range rows {
				for _, v := range r[refList] {
					one := maps.Clone(r)
					one[refList] = []string{v}
					out = append(out, one)
				}
			}
			return out
		}}
	}
	return stage{text: fmt.Sprintf("search %s=* | sort 0 - %s", refNumber, refNumber), run: func(rows []refRow) []refRow {
		rows = selection(rows, func(r refRow) bool { return len(r[refNumber]) > 0 })
		slices.SortStableFunc(rows, func(a, b refRow) int {
			x, _ := strconv.Atoi(a[refNumber][0])
			y, _ := strconv.Atoi(b[refNumber][0])
			return y - x
		})
		return rows
	}}
}

// refEnd generates the last command, which determines the columns.
func refEnd(t *rapid.T) stage {
	f := rapid.SampledFrom(refFields).Draw(t, "last of")
	g := rapid.SampledFrom(refFields).Draw(t, "by")
	aggregates := fmt.Sprintf("stats count dc(%s) as dc values(%s) as values sum(%s) as sum max(%s) as max", f, f, refNumber, refNumber)
	switch rapid.IntRange(0, 3).Draw(t, "end") {
	case 0:
		return stage{text: aggregates, run: func(rows []refRow) []refRow { return []refRow{refAggregates(rows, f)} }}
	case 1:
		return stage{text: aggregates + " by " + g, unordered: true, run: func(rows []refRow) (out []refRow) {
			for v, part := range groups(rows, g) {
				r := refAggregates(part, f)
				r[g] = []string{v}
				out = append(out, r)
			}
			return out
		}}
	case 2:
		return stage{text: "top 0 showperc=f " + f, unordered: true, run: func(rows []refRow) (out []refRow) {
			for v, part := range groups(rows, f) {
				out = append(out, refRow{f: {v}, "count": {strconv.Itoa(len(part))}})
			}
			return out
		}}
	}
	shown := append([]string{"eventID", "made", "more"}, refFields...)
	return stage{text: "table " + strings.Join(shown, " "), run: func(rows []refRow) []refRow {
		return each(rows, func(r refRow) {
			maps.DeleteFunc(r, func(name string, _ []string) bool { return !slices.Contains(shown, name) })
		})
	}}
}

// refJSON encodes rows of the reference with sorted keys.
func refJSON(rows []refRow) (out []string) {
	for _, r := range rows {
		cells := map[string]any{}
		for name, v := range r {
			if cells[name] = v; len(v) == 1 {
				cells[name] = v[0]
			}
		}
		out = append(out, compact(cells))
	}
	return out
}

// resorted encodes the engine's rows with sorted keys.
func resorted(t *rapid.T, rows []string) (out []string) {
	for _, row := range rows {
		var cells map[string]any
		if err := json.Unmarshal([]byte(row), &cells); err != nil {
			t.Fatalf("%s: %v", row, err)
		}
		out = append(out, compact(cells))
	}
	return out
}

// TestAgainstReference runs random searches on every store and in the reference
// evaluator: same rows.
func TestAgainstReference(t *testing.T) {
	for seed := range uint64(4) {
		events, all := refEvents(rand.New(rand.NewPCG(seed, 5)), 60)
		for _, kind := range storeKinds {
			t.Run(fmt.Sprintf("%s-%d", kind.name, seed), func(t *testing.T) {
				st := kind.open(t, events)
				rapid.Check(t, func(t *rapid.T) {
					first := refSearch(t, 2)
					text, rows := first.text, selection(all, first.pass)
					stages := rapid.SliceOfN(rapid.Custom(refStage), 0, 3).Draw(t, "stages")
					unordered := false
					for _, s := range append(stages, refEnd(t)) {
						text += " | " + s.text
						rows = s.run(rows)
						unordered = s.unordered
					}
					want := refJSON(rows)
					_, got, err := evaluate(text, st, exec.NewEnv(time.Unix(1768000000, 0)))
					if err != nil {
						t.Fatalf("%s\n%v", text, err)
					}
					got = resorted(t, got)
					if unordered {
						slices.Sort(want)
						slices.Sort(got)
					}
					if diff := gocmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
						t.Fatalf("%s\nrows (-reference +engine):\n%s", text, diff)
					}
				})
			})
		}
	}
}
