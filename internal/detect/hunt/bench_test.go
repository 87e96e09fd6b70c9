package hunt

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/generate"
	"bluetrail/internal/spill"
	"bluetrail/internal/store/files"

	"github.com/klauspost/compress/gzip"
)

// BenchmarkHunt compares hunts over a generated trail with unpacking its files. It
// reports CPU seconds.
func BenchmarkHunt(b *testing.B) {
	dir := b.TempDir()
	cfg := generate.Default()
	cfg.Events, cfg.Days, cfg.Accounts = 300_000, generate.MinDays, generate.MinAccounts
	cfg.End = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	if _, err := generate.Write(b.Context(), dir, cfg, nil); err != nil {
		b.Fatal(err)
	}
	b.Run("gunzip", func(b *testing.B) {
		defer reportCPU(b)()
		for b.Loop() {
			gunzip(b, dir)
		}
	})
	for _, bc := range []struct {
		name   string
		rules  fstest.MapFS
		triage *Triage
	}{
		{"100 rules", upstream(100), nil},
		{"100 rules, classes of actors", upstream(100), &Triage{}},
		{"5000 rules", upstream(5000), nil},
		{"100 rules, correlations, first-seen", withStateful(upstream(100)), nil},
	} {
		b.Run(bc.name, func(b *testing.B) {
			rs, err := ruleset.Load(b.Context(), nil, ruleset.Options{Shipped: bc.rules})
			if err != nil || len(rs.Faults) > 0 {
				b.Fatal(err, rs.Faults)
			}
			defer reportCPU(b)()
			for b.Loop() {
				st, err := files.Open([]string{dir}, files.Options{})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := Run(b.Context(), Options{Rules: rs, Records: st, Space: spill.NewSpace(b.TempDir(), 1<<34), Triage: bc.triage}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// upstream makes rules of the shape that public ones have: names of calls, a value
// that is seldom there, an exception.
func upstream(n int) fstest.MapFS {
	names := strings.Fields(`CreateUser DeleteUser CreateAccessKey AttachUserPolicy AttachRolePolicy PutUserPolicy PutRolePolicy CreateLoginProfile
		UpdateLoginProfile StopLogging DeleteTrail UpdateTrail PutEventSelectors DeleteFlowLogs RunInstances ModifyInstanceAttribute
		AuthorizeSecurityGroupIngress CreateSecurityGroup GetSecretValue ListSecrets GetParameter ConsoleLogin AssumeRole AssumeRoleWithSAML
		GetFederationToken PutBucketPolicy PutBucketAcl DeleteBucket ModifySnapshotAttribute ModifyImageAttribute CreateFunction20150331
		ScheduleKeyDeletion DisableKey LeaveOrganization DeleteDetector CreateIPSet StartSession SendCommand DescribeInstances GetCallerIdentity ListBuckets`)
	out := fstest.MapFS{}
	for i := range n {
		name := names[i%len(names)]
		if i >= 100 {
			name = fmt.Sprintf("%s%d", name, i) // thousands of rules are about as many calls
		}
		out[fmt.Sprintf("r%d.yml", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, `title: Rule %d
id: r%d
level: low
logsource: {product: aws, service: cloudtrail}
detection:
  selection:
    eventSource|endswith: .amazonaws.com
    eventName: [%s, %s]
    requestParameters.name%d|contains: 'x%d'
  known: {userIdentity.arn|contains: ':assumed-role/known%d/', errorCode: null}
  condition: selection and not known
`, i, i, name, names[(i*7+3)%len(names)]+strings.Repeat("X", min(i/100, 1)), i, i, i)}
	}
	return out
}

func withStateful(rules fstest.MapFS) fstest.MapFS {
	rules["stateful.yml"] = &fstest.MapFile{Data: []byte(`title: Denied call
id: denied
name: denied
level: low
logsource: {product: aws, service: cloudtrail}
detection: {s: {errorCode: [AccessDenied, Client.UnauthorizedOperation]}, condition: s}
---
title: Many calls denied
id: many
level: medium
correlation: {type: value_count, rules: [denied], group-by: [actor], timespan: 10m, condition: {field: eventName, gte: 5}}
---
title: Write
id: write
name: write
level: low
logsource: {product: aws, service: cloudtrail}
detection: {s: {readOnly: false, eventSource: [iam.amazonaws.com, ec2.amazonaws.com]}, condition: s}
---
title: New region
id: region
level: medium
correlation: {type: first_seen, rules: [write], fields: [awsRegion], group-by: [actor], learning: 3d}
`)}
	return rules
}

// gunzip unpacks all files below a folder, side by side.
func gunzip(b *testing.B, dir string) {
	next := make(chan string)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			buf := bufio.NewReaderSize(nil, 64<<10)
			var z gzip.Reader
			for path := range next {
				f, err := os.Open(path)
				if err == nil {
					buf.Reset(f)
					if err = z.Reset(buf); err == nil {
						_, err = io.Copy(io.Discard, &z)
					}
					f.Close()
				}
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".gz") {
			next <- path
		}
		return err
	})
	close(next)
	wg.Wait()
	if err != nil {
		b.Error(err)
	}
}

// reportCPU reports the CPU time of a run, which other work on the machine disturbs
// less than wall time.
func reportCPU(b *testing.B) func() {
	before := cpu()
	return func() { b.ReportMetric((cpu()-before).Seconds()/float64(b.N), "cpu-s/op") }
}

func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
