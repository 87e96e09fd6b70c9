package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/generate"
	"bluetrail/internal/store/files"

	"github.com/klauspost/compress/gzip"
)

// BenchmarkPiles runs hunt, with the shipped rules and a hundred others, and summary
// over piles of every shape: their CPU, that compared with unpacking the same files,
// and their resident memory, of which the benchmark's own is the least that is shown.
// BLUETRAIL_BENCH_EVENTS is the size of the larger piles.
func BenchmarkPiles(b *testing.B) {
	events := benchEvents(b, 400_000)
	dir := b.TempDir()
	trail := filepath.Join(dir, "generated")
	generateTrail(b, trail, events)
	rules := upstreamRules(b, 100)
	for _, p := range []struct {
		name string
		fill func(dir string)
	}{
		{"trail", nil},
		{"files of eight", func(dir string) { perFile(b, trail, dir, 8, events) }},
		{"files of one", func(dir string) { perFile(b, trail, dir, 1, min(events, 200_000)) }},
		{"one file of lines", func(dir string) { oneFile(b, trail, filepath.Join(dir, "all.json"), "", "\n", "\n") }},
		{"one array", func(dir string) { oneFile(b, trail, filepath.Join(dir, "all.json.gz"), `{"Records":[`, ",", "]}") }},
		{"a caller for each event", func(dir string) { callers(b, dir, events) }},
		{"a GiB of zeros", func(dir string) { repeated(b, dir, "", "\x00", "") }},
		{"a GiB of one text", func(dir string) { repeated(b, dir, `{"Records":[{"eventVersion":"1.09","eventName":"`, "a", `"}]}`) }},
	} {
		pile := trail
		if p.fill != nil {
			pile = filepath.Join(dir, "pile")
			if err := os.MkdirAll(pile, 0o700); err != nil {
				b.Fatal(err)
			}
			p.fill(pile)
		}
		for _, args := range [][]string{
			{"hunt", "--no-shipped", "--rules", rules, "-o", "json", pile},
			{"hunt", "--rules", rules, "-o", "json", pile},
			{"summary", "--top", "0", "-o", "json", pile},
		} {
			name := args[0]
			if args[1] == "--rules" {
				name += " with the shipped rules"
			}
			b.Run(p.name+"/"+name, func(b *testing.B) {
				for b.Loop() {
					floor := unpacking(b, pile)
					cmd := exec.CommandContext(b.Context(), "bluetrail", args...)
					out, err := cmd.CombinedOutput()
					var exit *exec.ExitError
					if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 3) { // 3: not all could be read
						b.Fatalf("%v: %.500s", err, out)
					}
					took := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
					b.ReportMetric(took.Seconds(), "cpu-s")
					if floor > 0 {
						b.ReportMetric(float64(took)/float64(floor), "cpu/gunzip")
					}
					b.ReportMetric(float64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)/1024, "rss-MiB")
				}
			})
		}
		if p.fill != nil {
			if err := os.RemoveAll(pile); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func benchEvents(b *testing.B, standard int) int {
	text := os.Getenv("BLUETRAIL_BENCH_EVENTS")
	if text == "" {
		return standard
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func generateTrail(b *testing.B, dir string, events int) {
	cfg := generate.Default()
	cfg.Events, cfg.Days, cfg.Accounts = events, generate.MinDays, generate.MinAccounts
	cfg.End = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	if _, err := generate.Write(b.Context(), dir, cfg, nil); err != nil {
		b.Fatal(err)
	}
}

// upstreamRules writes rules of the shape that public ones have: names of calls, a
// value that is seldom there, an exception.
func upstreamRules(b *testing.B, n int) string {
	dir := b.TempDir()
	names := strings.Fields(`CreateUser DeleteUser CreateAccessKey AttachUserPolicy AttachRolePolicy PutUserPolicy PutRolePolicy CreateLoginProfile
		UpdateLoginProfile StopLogging DeleteTrail UpdateTrail PutEventSelectors DeleteFlowLogs RunInstances ModifyInstanceAttribute
		AuthorizeSecurityGroupIngress CreateSecurityGroup GetSecretValue ListSecrets GetParameter ConsoleLogin AssumeRole AssumeRoleWithSAML
		GetFederationToken PutBucketPolicy PutBucketAcl DeleteBucket ModifySnapshotAttribute ModifyImageAttribute CreateFunction20150331
		ScheduleKeyDeletion DisableKey LeaveOrganization DeleteDetector CreateIPSet StartSession SendCommand DescribeInstances GetCallerIdentity ListBuckets`)
	for i := range n {
		text := fmt.Sprintf(`title: Rule %d
id: 00000000-0000-4000-9000-%012d
level: low
logsource: {product: aws, service: cloudtrail}
detection:
  selection:
    eventSource|endswith: .amazonaws.com
    eventName: [%s, %s]
    requestParameters.name%d|contains: 'x%d'
  known: {userIdentity.arn|contains: ':assumed-role/known%d/', errorCode: null}
  condition: selection and not known
`, i, i, names[i%len(names)], names[(i*7+3)%len(names)], i, i, i)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("r%d.yml", i)), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return dir
}

// records visits the records of a trail, one after the other.
func records(b *testing.B, trail string, visit func(raw []byte) error) {
	st, err := files.Open([]string{filepath.Join(trail, "AWSLogs")}, files.Options{Workers: 1})
	if err == nil {
		err = st.Each(b.Context(), event.NewIdentifier(nil), func(int) (func(*files.Record) error, error) {
			return func(r *files.Record) error { return visit(r.Raw) }, nil
		})
	}
	if err != nil {
		b.Fatal(err)
	}
}

// perFile packs the first records of a trail into files of n.
func perFile(b *testing.B, trail, dir string, n, most int) {
	var held []string
	written := 0
	flush := func() error {
		if len(held) == 0 {
			return nil
		}
		folder := filepath.Join(dir, fmt.Sprint(written/1000))
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		written++
		err := packed(filepath.Join(folder, fmt.Sprintf("%d.json.gz", written)), func(w io.Writer) error {
			_, err := fmt.Fprintf(w, `{"Records":[%s]}`, strings.Join(held, ","))
			return err
		})
		held = held[:0]
		return err
	}
	seen := 0
	records(b, trail, func(raw []byte) error {
		if seen++; seen > most {
			return nil
		}
		if held = append(held, string(raw)); len(held) == n {
			return flush()
		}
		return nil
	})
	if err := flush(); err != nil {
		b.Fatal(err)
	}
}

// oneFile writes all records of a trail, five times under other IDs.
func oneFile(b *testing.B, trail, path, before, between, after string) {
	write := func(w io.Writer) error {
		sep := before
		for round := range 5 {
			records(b, trail, func(raw []byte) error {
				text := strings.Replace(string(raw), `"eventID":"`, fmt.Sprintf(`"eventID":"%x`, round), 1)
				if i := strings.Index(text, `"eventID":"`); i >= 0 { // the ID keeps its length
					i += len(`"eventID":"`) + 1
					text = text[:i] + text[i+1:]
				}
				_, err := io.WriteString(w, sep+text)
				sep = between
				return err
			})
		}
		_, err := io.WriteString(w, after)
		return err
	}
	var err error
	if strings.HasSuffix(path, ".gz") {
		err = packed(path, write)
	} else {
		err = written(path, write)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// callers writes refused calls that a rule matches, each by another caller.
func callers(b *testing.B, dir string, n int) {
	for from := 0; from < n; from += 10_000 {
		err := packed(filepath.Join(dir, fmt.Sprintf("%d.json.gz", from)), func(w io.Writer) error {
			for i := from; i < min(n, from+10_000); i++ {
				at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Second)
				_, err := fmt.Fprintf(w, `{"eventVersion":"1.09","eventTime":"%s","eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","awsRegion":"us-east-1","recipientAccountId":"111122223333","sourceIPAddress":"10.%d.%d.%d","userAgent":"aws-cli/2.17.32","errorCode":"AccessDenied","eventID":"%08x-5d1e-4c57-8d2c-3d6f3a000001","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/user-%d","principalId":"AIDA%016d","accountId":"111122223333","userName":"user-%d","accessKeyId":"AKIA%016d"},"requestParameters":{"name":"trail-%d"}}`+"\n",
					at.Format(time.RFC3339), i>>16&255, i>>8&255, i&255, i, i, i, i, i, i)
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// repeated writes a file that unpacks to a GiB of one byte, with something around it.
func repeated(b *testing.B, dir, before, of, after string) {
	err := packed(filepath.Join(dir, "bomb.json.gz"), func(w io.Writer) error {
		if _, err := io.WriteString(w, before); err != nil {
			return err
		}
		block := strings.Repeat(of, 1<<20)
		for range 1 << 10 {
			if _, err := io.WriteString(w, block); err != nil {
				return err
			}
		}
		_, err := io.WriteString(w, after)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}

func written(path string, fill func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	return errors.Join(fill(w), w.Flush(), f.Close())
}

func packed(path string, fill func(io.Writer) error) error {
	return written(path, func(w io.Writer) error {
		z := gzip.NewWriter(w)
		return errors.Join(fill(z), z.Close())
	})
}

// unpacking returns the CPU time of unpacking all packed files below a folder, side by
// side.
func unpacking(b *testing.B, dir string) time.Duration {
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before, some := used(), false
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
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".gz") {
			some = true
			next <- path
		}
		return err
	})
	close(next)
	wg.Wait()
	if err != nil {
		b.Error(err)
	}
	if !some {
		return 0
	}
	return used() - before
}
