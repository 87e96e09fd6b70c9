package cmd_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"bluetrail/internal/lookup"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

type oneTable struct {
	exec.Knowledge
	t *lookup.Table
}

func (o oneTable) Table(*exec.Env, string) (*lookup.Table, error) { return o.t, nil }

// BenchmarkMap measures row-wise commands on one batch; the figure that counts
// is ns/row.
func BenchmarkMap(b *testing.B) {
	rows := vector.NewBuilder()
	for i := range vector.DefaultRows {
		rows.Add()
		rows.Set("user", vector.String(fmt.Sprintf("user%d", i%300)))
		rows.Set("ip", vector.String(fmt.Sprintf("10.%d.%d.7", i%4, i%200)))
		rows.Set("arn", vector.String(fmt.Sprintf("arn:aws:iam::123456789012:user/user%d", i)))
		rows.Set("_raw", vector.String(fmt.Sprintf(`{"eventName":"RunInstances","userIdentity":{"type":"IAMUser","arn":"a%d"},"requestParameters":{"set":{"items":[{"id":"i-%d"},{"id":"j"}]}}}`, i, i)))
	}
	batch := rows.Batch()
	users := &lookup.Table{Name: "t", Columns: []string{"user", "team"}, MaxMatches: 100}
	nets := &lookup.Table{Name: "n", Columns: []string{"net", "zone"}, MaxMatches: 1, Match: map[string]string{"net": "CIDR"}}
	for i := range 1000 {
		users.Rows = append(users.Rows, []string{fmt.Sprintf("user%d", i), "blue"})
		nets.Rows = append(nets.Rows, []string{fmt.Sprintf("10.%d.0.0/16", i%250), "z"})
	}
	for _, bench := range []struct {
		search string
		table  *lookup.Table
	}{
		{`fields user ip`, nil},
		{`rename user AS who`, nil},
		{`lookup t user OUTPUT team`, users},
		{`lookup n net AS ip OUTPUT zone`, nets},
		{`rex field=arn "user/(?<name>\w+)"`, nil},
		{`regex arn="user/user9"`, nil},
		{`spath path=requestParameters.set.items{}.id output=id`, nil},
		{`spath`, nil},
		{`makemv delim="." ip`, nil},
		{`convert ctime(_time)`, nil},
		{`tojson user ip output_field=j`, nil},
	} {
		b.Run(bench.search, func(b *testing.B) {
			q, err := syntax.Parse("* | " + bench.search)
			if err != nil {
				b.Fatal(err)
			}
			env := exec.NewEnv(time.Unix(1700000000, 0))
			env.Knowledge = oneTable{t: bench.table}
			m, err := q.Stages[1].Cmd.(exec.Streaming).NewMapper(env)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := m.Map(context.Background(), batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(batch.Len), "ns/row")
		})
	}
}

// BenchmarkTransaction puts 100,000 events into transactions of some 20.
func BenchmarkTransaction(b *testing.B) {
	const events = 100_000
	var batches []*vector.Batch
	for from := 0; from < events; from += vector.DefaultRows {
		rows := vector.NewBuilder()
		for i := from; i < min(from+vector.DefaultRows, events); i++ {
			rows.Add()
			rows.Set("_time", vector.Int(1_800_000_000-i))
			rows.Set("user", vector.String("user"+strconv.Itoa(i*7919%500)))
			rows.Set("eventName", vector.String("Event"+strconv.Itoa(i%40)))
			rows.Set("sourceIPAddress", vector.String("198.51.100."+strconv.Itoa(i%200)))
		}
		batches = append(batches, rows.Batch())
	}
	q, err := syntax.Parse(`| transaction user maxspan=3h`)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		op, err := q.Stages[0].Cmd.(exec.Serial).Open(b.Context(), exec.NewEnv(time.Unix(0, 0)), exec.Rows(batches...))
		if err != nil {
			b.Fatal(err)
		}
		if err := exec.Drain(b.Context(), op, func(*vector.Batch) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(events*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
