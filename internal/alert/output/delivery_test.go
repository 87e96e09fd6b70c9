package output

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/alert/message"
	"bluetrail/internal/alert/send"
	"bluetrail/internal/config"
	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/state"

	"github.com/VictoriaMetrics/metrics"
)

// world is a state, a receiver of webhooks and a clock.
type world struct {
	*testing.T
	db    *state.DB
	cfg   config.Config
	clock time.Time
	url   string

	mu     sync.Mutex
	answer func(d *send.Document) (status int, retryAfter string) // nil = 200
	got    []send.Document
}

func newWorld(t *testing.T, outputs ...config.Output) *world {
	t.Helper()
	w := &world{T: t, cfg: config.Default(), clock: time.Now().Add(time.Second)}
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var d send.Document
		if err == nil {
			err = json.Unmarshal(body, &d)
		}
		if err != nil {
			t.Error(err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.got = append(w.got, d)
		status, after := http.StatusOK, ""
		if w.answer != nil {
			status, after = w.answer(&d)
		}
		if after != "" {
			rw.Header().Set("Retry-After", after)
		}
		rw.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	w.url = s.URL
	db, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w.db = db
	if outputs == nil {
		outputs = []config.Output{{Name: "hook"}}
	}
	for _, o := range outputs {
		o.Type, o.URL, o.Format, o.Timeout = "webhook", config.Secret(s.URL), "alert", time.Minute
		if o.Tries == 0 {
			o.Tries = 100
		}
		if o.GiveUp == 0 {
			o.GiveUp = 24 * time.Hour
		}
		w.cfg.Outputs = append(w.cfg.Outputs, o)
	}
	return w
}

// queue raises alerts with these titles.
func (w *world) queue(severity rule.Severity, titles ...string) {
	w.Helper()
	err := w.db.Write(func(tx *state.Tx) error {
		for _, title := range titles {
			a := &alert.Alert{ID: "id-" + title, Title: title, Rule: title, Severity: severity, Account: finding.Values{"111122223333"}}
			if err := Queue(tx, a, alert.Raised); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
}

// open starts a delivery as a new process would.
func (w *world) open() *Delivery {
	w.Helper()
	d, err := Open(w.db, &w.cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		w.Fatal(err)
	}
	d.now, d.patient = func() time.Time { return w.clock }, 0
	return d
}

// steps routes and lets the only worker work until it wants to wait.
func (w *world) steps(d *Delivery) (wait time.Duration) {
	w.Helper()
	if _, err := d.route(); err != nil {
		w.Fatal(err)
	}
	for range 1000 {
		wait, err := d.workers[0].step(w.Context(), false)
		if err != nil {
			w.Fatal(err)
		}
		if wait > 0 {
			return wait
		}
	}
	w.Fatal("it never waits")
	return 0
}

// told fails unless requests with these titles came since the last call, and returns
// their ids. A digest's titles are joined by +.
func (w *world) told(want ...string) (ids []string) {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var got []string
	for _, d := range w.got {
		var titles []string
		for _, m := range d.Messages {
			titles = append(titles, m.Alert.Title)
		}
		got, ids = append(got, strings.Join(titles, "+")), append(ids, d.ID)
	}
	if !slices.Equal(got, want) {
		w.Errorf("told %q, want %q", got, want)
	}
	w.got = nil
	return ids
}

func (w *world) output() state.OutputState {
	w.Helper()
	o, err := w.db.Output("hook")
	if err != nil {
		w.Fatal(err)
	}
	return o
}

// TestRetry: a failed message is sent again, later each time, with the same id; an
// output says itself when.
func TestRetry(t *testing.T) {
	w := newWorld(t)
	w.queue(rule.High, "a", "b")
	w.answer = func(*send.Document) (int, string) { return 503, "7" }
	d := w.open()
	if wait := w.steps(d); wait != 7*time.Second {
		t.Error("it waits", wait)
	}
	first := w.told("a")
	w.clock = w.clock.Add(7 * time.Second)
	w.answer = func(*send.Document) (int, string) { return 503, "" }
	wait := w.steps(d)
	if w.told("b"); wait < time.Second || wait > 2*time.Second {
		t.Error("it waits", wait)
	}
	if s, err := List(w.db, &w.cfg); err != nil || s[0].Streak != 2 || s[0].Waiting != 2 || !strings.Contains(s[0].Problem, "503") {
		t.Errorf("%+v, %v", s, err)
	}
	w.clock = w.clock.Add(time.Hour)
	w.answer = nil
	w.steps(w.open()) // a new process
	if again := w.told("a", "b"); again[0] != first[0] {
		t.Errorf("a repeat is %q after %q", again[0], first[0])
	}
	if o := w.output(); o.Sent != 2 || o.Failed != 2 || o.Streak != 0 || o.Waiting != 0 {
		t.Errorf("%+v", o)
	}
	var set = metrics.NewSet()
	d.Measure(set)
	var text strings.Builder
	set.WritePrometheus(&text)
	for _, want := range []string{`bluetrail_output_sent_total{output="hook"} 2`, `bluetrail_output_failures_total{output="hook"} 2`, `bluetrail_output_waiting{output="hook"} 0`} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%s is not in %s", want, text.String())
		}
	}
}

// TestCrash: what was sent when the process died is sent again.
func TestCrash(t *testing.T) {
	w := newWorld(t)
	w.queue(rule.High, "a")
	d := w.open()
	if _, err := d.route(); err != nil {
		t.Fatal(err)
	}
	ctx, die := context.WithCancel(t.Context())
	w.answer = func(*send.Document) (int, string) { die(); return 200, "" }
	if _, err := d.workers[0].step(ctx, false); err != nil {
		t.Fatal(err)
	}
	first := w.told("a")
	w.answer = nil
	w.steps(w.open())
	if again := w.told("a"); again[0] != first[0] {
		t.Error(again, first)
	}
}

// TestDigest: what comes within the time of a digest is one message; it stays together
// when it fails, and what is refused in it does not keep the rest.
func TestDigest(t *testing.T) {
	w := newWorld(t, config.Output{Name: "hook", Digest: 10 * time.Minute})
	d := w.open()
	w.queue(rule.High, "a", "b")
	if wait := w.steps(d); wait < 9*time.Minute {
		t.Error("it waits", wait)
	}
	w.told()
	w.clock = w.clock.Add(11 * time.Minute)
	w.answer = func(*send.Document) (int, string) { return 500, "" }
	w.steps(d)
	first := w.told("a+b")
	w.queue(rule.High, "c")
	w.clock = w.clock.Add(time.Hour)
	w.answer = nil
	w.steps(w.open())
	if again := w.told("a+b", "c"); again[0] != first[0] {
		t.Error(again, first)
	}
	w.queue(rule.High, "d", "bad", "e")
	w.clock = w.clock.Add(time.Hour)
	w.answer = func(d *send.Document) (int, string) {
		for _, m := range d.Messages {
			if m.Alert.Title == "bad" {
				return 422, ""
			}
		}
		return 200, ""
	}
	d = w.open()
	w.steps(d)
	w.told("d+bad+e", "d", "bad", "e")
	dead, err := w.db.DeadDeliveries("hook", 10)
	if err != nil || len(dead) != 1 || !strings.Contains(dead[0].Error, "422") {
		t.Fatalf("%+v, %v", dead, err)
	}
	w.answer = nil
	if err := w.db.Write(func(tx *state.Tx) error {
		return tx.ReviveDeliveries([]int64{dead[0].ID}, w.clock.Add(-time.Hour).UnixMilli())
	}); err != nil {
		t.Fatal(err)
	}
	w.steps(d)
	w.told("bad")
}

// TestGiveUp: an output that fails for too long keeps its messages on a list.
func TestGiveUp(t *testing.T) {
	w := newWorld(t, config.Output{Name: "hook", GiveUp: time.Hour, Tries: 3})
	w.answer = func(*send.Document) (int, string) { return 500, "" }
	d := w.open()
	w.queue(rule.High, "a")
	for range 3 {
		w.steps(d)
		w.clock = w.clock.Add(10 * time.Minute)
	}
	w.told("a", "a", "a")
	if o := w.output(); o.Dead != 1 || o.Waiting != 0 {
		t.Errorf("after 3 tries: %+v", o)
	}
	w.queue(rule.High, "b", "c")
	w.clock = w.clock.Add(2 * time.Hour)
	w.steps(d)
	if w.told("b"); w.output().Dead != 3 {
		t.Errorf("after 2 hours: %+v", w.output())
	}
}

// TestQuietHours: what is not bad enough waits for the morning and comes as one message.
func TestQuietHours(t *testing.T) {
	now := time.Now().UTC()
	end := now.Add(time.Hour).Truncate(time.Minute)
	w := newWorld(t, config.Output{Name: "hook", Quiet: config.Quiet{From: now.Add(-time.Hour).Format("15:04"), To: end.Format("15:04"), TimeZone: "UTC", Except: "critical"}})
	d := w.open()
	w.queue(rule.High, "a", "b")
	w.queue(rule.Critical, "fire")
	w.clock = end.Add(-time.Second)
	w.steps(d)
	w.told("fire")
	w.clock = end
	w.steps(d)
	w.told("a+b")
}

// TestMaintenance: what falls into a window is counted, and not sent.
func TestMaintenance(t *testing.T) {
	w := newWorld(t)
	w.cfg.Maintenance = []config.Maintenance{{From: time.Now().Add(-time.Hour), Until: time.Now().Add(time.Hour), Rules: []string{"dep*"}}}
	w.queue(rule.High, "deploy", "other")
	w.steps(w.open())
	w.told("other")
	if o := w.output(); o.Held != 1 || o.Waiting != 0 {
		t.Errorf("%+v", o)
	}
}

// TestRateLimit: beyond the limit messages wait and are sent as one.
func TestRateLimit(t *testing.T) {
	w := newWorld(t, config.Output{Name: "hook", PerMinute: 2})
	d := w.open()
	w.queue(rule.High, "a", "b", "c", "d", "e")
	if wait := w.steps(d); wait != time.Minute {
		t.Error("it waits", wait)
	}
	w.told("a", "b")
	w.clock = w.clock.Add(time.Minute)
	w.steps(d)
	w.told("c+d+e")
}

// TestChangedConfiguration: routes of now hold for what waits; an output that is gone
// leaves its messages on the list, but a process without any outputs touches nothing.
func TestChangedConfiguration(t *testing.T) {
	w := newWorld(t, config.Output{Name: "hook"}, config.Output{Name: "gone"})
	w.queue(rule.High, "a")
	if _, err := w.open().route(); err != nil {
		t.Fatal(err)
	}
	all := w.cfg.Outputs
	w.cfg.Outputs = nil
	w.queue(rule.High, "nobody hears of this")
	if _, err := w.open().Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.output().Waiting != 1 {
		t.Errorf("%+v", w.output())
	}
	w.cfg.Outputs = all[:1]
	w.cfg.Routes = []config.Route{{Outputs: []string{"hook"}, Severity: "critical"}}
	w.queue(rule.High, "not bad enough")
	w.queue(rule.Critical, "bad")
	sum, err := w.open().Drain(t.Context())
	if err != nil || sum.Sent != 2 || len(sum.Waiting) > 0 {
		t.Errorf("%+v, %v", sum, err)
	}
	w.told("a", "bad")
	if o, err := w.db.Output("gone"); err != nil || o.Dead != 1 || o.Waiting != 0 {
		t.Errorf("%+v, %v", o, err)
	}
	w.answer = func(*send.Document) (int, string) { return 500, "" }
	w.queue(rule.Critical, "x", "y")
	if sum, err := w.open().Drain(t.Context()); err != nil || sum.Sent != 0 || len(sum.Waiting) != 1 || sum.Waiting[0].Waiting != 2 {
		t.Errorf("%+v, %v", sum, err)
	}
	w.told("x")
}

// TestRun: a running server sends what comes, to every output, and ends when told to.
func TestRun(t *testing.T) {
	w := newWorld(t, config.Output{Name: "hook"}, config.Output{Name: "other"})
	d, err := Open(w.db, &w.cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 8)
	w.answer = func(d *send.Document) (int, string) { got <- d.Messages[0].Alert.Title; return 200, "" }
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- d.Run(ctx) }()
	w.queue(rule.High, "a")
	for range 2 {
		if title := <-got; title != "a" {
			t.Error(title)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestBackoff: waits grow to a bound and are never the same for all.
func TestBackoff(t *testing.T) {
	for streak, most := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 9: 256 * time.Second, 10: longWait, 1000: longWait} {
		seen := map[time.Duration]bool{}
		for range 20 {
			d := backoff(streak)
			if seen[d] = true; d < most/2 || d > most {
				t.Errorf("%d: %s", streak, d)
			}
		}
		if len(seen) < 2 {
			t.Errorf("%d: no jitter", streak)
		}
	}
}

// TestUnknownOutput: a wrong name says which there are.
func TestUnknownOutput(t *testing.T) {
	w := newWorld(t)
	if _, err := Test(t.Context(), &w.cfg, "hok"); err == nil || !strings.Contains(err.Error(), `did you mean "hook"`) {
		t.Error(err)
	}
	reply, err := Test(t.Context(), &w.cfg, "hook")
	if err != nil || !strings.HasPrefix(reply, "HTTP 200") || !w.got[0].Messages[0].Test {
		t.Error(reply, err)
	}
	if _, err := Test(t.Context(), &config.Config{}, "x"); err == nil || !strings.Contains(fmt.Sprint(err), "no outputs") {
		t.Error(err)
	}
}

// TestResult: searches send to outputs by name, and mail to addresses of an output only.
func TestResult(t *testing.T) {
	w := newWorld(t)
	r := &message.Result{Title: "x", Names: []string{"n"}, Rows: []map[string]string{{"n": "1"}}, Total: 1}
	if err := Result(t.Context(), &w.cfg, "hook", r); err != nil || len(w.got) != 1 || w.got[0].Messages[0].Result.Rows[0]["n"] != "1" {
		t.Error(err, w.got)
	}
	if err := Result(t.Context(), &w.cfg, "nope", r); err == nil || !strings.Contains(err.Error(), "has hook") {
		t.Error(err)
	}
	if err := Mail(t.Context(), &w.cfg, []string{"a@example.com"}, r); err == nil || !strings.Contains(err.Error(), "no output of type email") {
		t.Error(err)
	}
	w.cfg.Outputs = append(w.cfg.Outputs, config.Output{Name: "mail", Type: "email", Server: "127.0.0.1:1", TLS: "none", From: "x@example.com", To: []string{"SOC <soc@example.com>"}, Timeout: time.Minute})
	if err := Mail(t.Context(), &w.cfg, []string{"soc@example.com", "other@example.com"}, r); err == nil || !strings.Contains(err.Error(), "other@example.com") {
		t.Error(err)
	}
	if err := Mail(t.Context(), &w.cfg, []string{"Soc@example.com"}, r); err == nil || !strings.Contains(err.Error(), `output "mail": `) { // tried, but there is no server
		t.Error(err)
	}
}
