package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkLatency measures how long it takes from the arrival of an event to its alert at
// an output, while 2,000 events arrive a second for 20 seconds, one in 250 of which raises
// an alert.
func BenchmarkLatency(b *testing.B) {
	const rate, spell, every, parts = 2000, 20, 250, 4 // parts: files a second
	for b.Loop() {
		dir := b.TempDir()
		in, out, config := filepath.Join(dir, "in"), filepath.Join(dir, "alerts.ndjson"), filepath.Join(dir, "serve.yaml")
		text := fmt.Sprintf("sources: [{dir: %q}]\noutputs: [{name: log, type: file, path: %q}]\n", in, out)
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
		if err := os.Mkdir(in, 0o700); err != nil {
			b.Fatal(err)
		}
		cmd := exec.CommandContext(b.Context(), "bluetrail", "--config", config, "serve", "--data", filepath.Join(dir, "data"), "--addr", "127.0.0.1:0")
		log, err := cmd.StderrPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			b.Fatal(err)
		}
		lines := bufio.NewScanner(log)
		for lines.Scan() && !strings.Contains(lines.Text(), "msg=ready") {
		}
		go func() {
			for lines.Scan() {
			}
		}()
		sent, took := map[int]time.Time{}, map[int]time.Duration{}
		look := func() {
			body, _ := os.ReadFile(out)
			for _, m := range raisedFor.FindAllStringSubmatch(string(body), -1) {
				n, _ := strconv.Atoi(m[1])
				if at, ok := sent[n]; ok && took[n] == 0 {
					took[n] = time.Since(at)
				}
			}
		}
		n := 0
		begin := time.Now()
		for part := range spell * parts {
			for time.Until(begin.Add(time.Duration(part)*time.Second/parts)) > 0 {
				time.Sleep(20 * time.Millisecond)
				look()
			}
			var file strings.Builder
			file.WriteString(`{"Records":[`)
			for i := range rate / parts {
				call := `"s3.amazonaws.com","eventName":"GetBucketLocation","readOnly":true`
				if n++; n%every == 0 {
					call = `"cloudtrail.amazonaws.com","eventName":"StopLogging","readOnly":false,"requestParameters":{"name":"main"}`
				}
				if i > 0 {
					file.WriteByte(',')
				}
				fmt.Fprintf(&file, `{"eventVersion":"1.11","eventID":"00000000-0000-4000-8000-%012d","eventTime":%q,"awsRegion":"eu-central-1","recipientAccountId":"111122223333","sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2.25",`+
					`"eventType":"AwsApiCall","eventCategory":"Management","managementEvent":true,"userIdentity":{"type":"IAMUser","principalId":"AIDA%[3]d","arn":"arn:aws:iam::111122223333:user/u%[3]d","accountId":"111122223333","userName":"u%[3]d"},"eventSource":%[4]s}`,
					n, time.Now().UTC().Format(time.RFC3339), n, call)
			}
			file.WriteString("]}")
			name := filepath.Join(in, fmt.Sprintf("%06d.json", part))
			if err := os.WriteFile(name+".part", []byte(file.String()), 0o600); err != nil {
				b.Fatal(err)
			}
			if err := os.Rename(name+".part", name); err != nil {
				b.Fatal(err)
			}
			for at := n - n%every; at > n-rate/parts; at -= every {
				sent[at] = time.Now()
			}
		}
		for wait := time.Now(); len(took) < len(sent) && time.Since(wait) < 30*time.Second; time.Sleep(20 * time.Millisecond) {
			look()
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		var all []time.Duration
		for _, d := range took {
			all = append(all, d)
		}
		slices.Sort(all)
		if len(all) < len(sent) {
			b.Fatalf("%d of %d alerts came to the output", len(all), len(sent))
		}
		b.ReportMetric(all[len(all)/2].Seconds(), "p50-s")
		b.ReportMetric(all[len(all)*99/100].Seconds(), "p99-s")
		b.ReportMetric(float64(len(all)), "alerts")
		b.ReportMetric((cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), "cpu-s")
	}
}

// raisedFor finds the number of the user of an alert that was raised because a trail was stopped.
var raisedFor = regexp.MustCompile(`"entity":"arn:aws:iam::111122223333:user/u(\d+)"`)
