package api

import (
	"cmp"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"bluetrail/internal/alert/output"
	"bluetrail/internal/auth"
	"bluetrail/internal/config"
	"bluetrail/internal/diag"
	"bluetrail/internal/enrich"
	"bluetrail/internal/exposure"
	"bluetrail/internal/integrity"
	"bluetrail/internal/source/file"
	"bluetrail/internal/state"
	"bluetrail/internal/vector"
)

func (s *Server) sourceRoutes() []route {
	return []route{
		{"GET /api/v1/sources", auth.Viewer, s.listSources},
		{"GET /api/v1/sources/gaps", auth.Viewer, s.listGaps},
		{"GET /api/v1/sources/coverage", auth.Viewer, s.getCoverage},
		{"GET /api/v1/sources/dead-letters", auth.Viewer, s.listDeadLetters},
		{"POST /api/v1/sources/dead-letters/{id}/retry", auth.Engineer, s.retryDeadLetter},
		{"DELETE /api/v1/sources/dead-letters/{id}", auth.Engineer, s.dropDeadLetter},
		{"GET /api/v1/health", auth.Viewer, s.getHealth},
		{"GET /api/v1/exposure", auth.Viewer, s.listExposure},
		{"GET /api/v1/system", auth.Viewer, s.getSystem},
	}
}

type eventSource struct {
	Name        string     `json:"name"`
	Kind        string     `json:"kind"`
	Index       string     `json:"index,omitempty"`
	Sourcetype  string     `json:"sourcetype,omitempty"`
	Host        string     `json:"host,omitempty"`
	State       string     `json:"state"`
	About       string     `json:"about,omitempty"`
	Files       int64      `json:"files"`
	Records     int64      `json:"records,omitempty"`
	LastFile    string     `json:"last_file,omitempty"`
	LastFileAt  *time.Time `json:"last_file_at,omitempty"`
	Lag         *float64   `json:"lag_seconds,omitempty"`
	FilesHour   int64      `json:"files_hour,omitempty"`
	RecordsHour int64      `json:"records_hour,omitempty"`
	LastError   string     `json:"last_error,omitempty"`
	Problems    int64      `json:"problems,omitempty"`
	DeadLetters int        `json:"dead_letters,omitempty"`
}

type inputProblem struct {
	File  string `json:"file"`
	Place int64  `json:"place,omitempty"`
	Text  string `json:"text"`
}

// droppedRecords is what a filter of the configuration dropped.
type droppedRecords struct {
	Filter string    `json:"filter"`
	Events int64     `json:"events"`
	Since  time.Time `json:"since"`
	Last   time.Time `json:"last"`
}

// mostProblems bounds the unreadable inputs that are sent.
const mostProblems = 200

func (s *Server) listSources(w http.ResponseWriter, r *http.Request) error {
	db := s.cfg.Product.State
	now := time.Now()
	problems, total, err := db.Problems(mostProblems)
	if err != nil {
		return err
	}
	bad := []inputProblem{}
	for _, p := range problems {
		bad = append(bad, inputProblem{p.Object, p.Place, p.Text})
	}
	out := []eventSource{}
	var sources []config.Source
	if c := s.cfg.Product.Config; c != nil {
		sources = c.Sources
	}
	dead, err := db.CountDeadLetters()
	if err != nil {
		return err
	}
	for i := range sources {
		if c := &sources[i]; c.KindOf() == config.KindHEC || c.KindOf() == config.KindHTTP {
			out = append(out, s.receiverOf(c, now))
			continue
		}
		x, err := s.sourceOf(&sources[i], now, problems)
		if err != nil {
			return err
		}
		x.DeadLetters = dead[sources[i].SQS.Queue]
		out = append(out, x)
	}
	if n, err := db.Files(); err != nil {
		return err
	} else if watched := sum(out); int64(n) > watched {
		out = append(out, eventSource{Name: "bluetrail ingest", Kind: "ingested", State: "fine", Files: int64(n) - watched})
	}
	c, err := db.Checkpoint()
	if err != nil {
		return err
	}
	delay, err := s.delay(r)
	if err != nil {
		return err
	}
	filters, err := db.Dropped()
	if err != nil {
		return err
	}
	drops := []droppedRecords{}
	for _, d := range filters {
		drops = append(drops, droppedRecords{d.Filter, d.Events, d.Since.UTC(), d.Last.UTC()})
	}
	return ok(w, map[string]any{"dropped": drops, "items": out, "total": len(out), "events": c.Events, "problems": map[string]any{"items": bad, "total": total}, "delay": delay})
}

// sourceOf describes a source.
func (s *Server) sourceOf(c *config.Source, now time.Time, problems []diag.Notice) (x eventSource, err error) {
	x = eventSource{Name: c.Label(), Kind: c.KindOf(), Index: c.Index, Sourcetype: c.Sourcetype, Host: c.Host, State: "fine"}
	var newest time.Time
	var broken error
	for _, folder := range c.Folders() {
		if c.KindOf() == config.KindDir {
			folder = strings.TrimSuffix(file.Absolute(folder), "/")
			_, broken = os.ReadDir(folder)
		}
		f, err := s.cfg.Product.State.FolderFiles(folder, now.Add(-time.Hour))
		if err != nil {
			return x, err
		}
		x.Files += f.Files
		x.Records += f.Records
		x.FilesHour += f.Recent
		x.RecordsHour += f.RecentRecords
		x.Problems += f.Problems
		if at := fromNano(f.Changed); at.After(newest) {
			newest, x.LastFile = at, f.Newest
		}
		for _, p := range problems {
			if strings.HasPrefix(p.Object, folder+"/") {
				x.LastError = p.Object + ": " + p.Text
			}
		}
	}
	if x.LastFileAt = timeOf(newest); !newest.IsZero() {
		lag := now.Sub(newest).Seconds()
		x.Lag = &lag
	}
	why := ""
	if told := s.cfg.Product.SourceProblem; told != nil {
		why = told(c.Label())
	}
	quiet := c.QuietTime()
	switch {
	case broken != nil:
		x.State, x.About = "failing", "the folder cannot be read: "+file.Reason(broken)
	case why != "":
		x.State, x.About = "failing", why
	case newest.IsZero():
		x.State, x.About = "waiting", "no file has come yet"
	case quiet > 0 && now.Sub(newest) > quiet:
		x.State, x.About = "quiet", "no new file for "+now.Sub(newest).Round(time.Minute).String()
	}
	return x, nil
}

// receiverOf is a source to which clients send.
func (s *Server) receiverOf(c *config.Source, now time.Time) eventSource {
	x := eventSource{Name: c.Label(), Kind: c.KindOf(), Index: c.Index, Sourcetype: c.Sourcetype, Host: c.Host, State: "waiting", About: "it has not started"}
	st, ok := s.cfg.Product.Received(c.Label())
	if !ok {
		return x
	}
	x.State, x.About, x.Files, x.Records, x.Problems, x.LastFileAt = st.State, st.About, st.Pieces, st.Events, st.Problems, timeOf(st.Last)
	if st.Error != "" {
		x.LastError = st.ErrorAt.UTC().Format(time.RFC3339) + ": " + st.Error
	}
	if !st.Last.IsZero() {
		quiet := now.Sub(st.Last)
		lag := quiet.Seconds()
		x.Lag = &lag
		if most := c.QuietTime(); x.State == "fine" && most > 0 && quiet > most {
			x.State, x.About = "quiet", "nothing came for "+quiet.Round(time.Minute).String()
		}
	}
	return x
}

func sum(list []eventSource) (n int64) {
	for _, x := range list {
		if x.Kind != config.KindHEC && x.Kind != config.KindHTTP {
			n += x.Files
		}
	}
	return n
}

// delay says how long the events that arrived over the last day took.
func (s *Server) delay(r *http.Request) (map[string]any, error) {
	out := map[string]any{"events": int64(0)}
	_, err := s.searching(r.Context(), `index=* | where _indextime>=now()-86400 | eval delay=_indextime-_time, hour=if(_indextime>=now()-3600,1,0) | stats count as events median(delay) as median perc95(delay) as p95 sum(hour) as hour`,
		time.Now().Add(-7*24*time.Hour), time.Time{}, 5*time.Second, nil, func(b *vector.Batch) error {
			for i := range b.Len {
				n := cellNumber(b, "events", i)
				if out["events"] = n; n > 0 {
					out["median"], out["p95"] = cellNumber(b, "median", i), cellNumber(b, "p95", i)
					out["rate_per_minute"] = float64(cellNumber(b, "hour", i)) / 60
				}
			}
			return nil
		})
	return out, err
}

type gapRow struct {
	Account string  `json:"account"`
	Region  string  `json:"region"`
	Total   int64   `json:"total"`
	Values  []int64 `json:"values"`
}

type gap struct {
	Account string    `json:"account"`
	Region  string    `json:"region"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Hours   float64   `json:"hours"`
	Usual   float64   `json:"usual_per_hour"`
	Lasts   bool      `json:"lasts,omitempty"`
}

// What counts as a gap: a pair of account and region that has events in most buckets has
// none for as long as its usual rate would have brought this many.
const (
	gapShare    = 0.5
	gapExpected = 20.0
	gapBuckets  = 168
	mostPairs   = 500
	mostGaps    = 500
)

func (s *Server) listGaps(w http.ResponseWriter, r *http.Request) error {
	from, to, err := between(r)
	if err != nil {
		return err
	}
	var first, last time.Time
	if s.cfg.Product.Span != nil {
		first, last = s.cfg.Product.Span()
	}
	if last.IsZero() {
		last = time.Now().UTC()
	}
	if to.IsZero() {
		to = last
	}
	if from.IsZero() {
		if from = to.Add(-7 * 24 * time.Hour); from.Before(first) {
			from = first
		}
	}
	if !from.Before(to) {
		to = from.Add(time.Hour)
	}
	start, span, count := bucketsOf(from, to, gapBuckets)
	if span < time.Hour {
		start, span = from.Truncate(time.Hour), time.Hour
		count = max(int((to.Sub(start)+span-1)/span), 1)
	}
	account, region := r.FormValue("account"), r.FormValue("region")
	type pair struct{ account, region string }
	by := map[pair]*gapRow{}
	text := fmt.Sprintf("index=* sourcetype=aws:cloudtrail | bin _time span=%ds | stats count by _time recipientAccountId awsRegion", int64(span/time.Second))
	more := 0
	notice, err := s.searching(r.Context(), text, start, to, entityTime, nil, func(b *vector.Batch) error {
		for i := range b.Len {
			p := pair{cell(b, "recipientAccountId", i), cell(b, "awsRegion", i)}
			at := int(cellTime(b, "_time", i).Sub(start) / span)
			if at < 0 || at >= count || account != "" && p.account != account || region != "" && p.region != region {
				continue
			}
			x := by[p]
			if x == nil {
				if len(by) >= mostPairs {
					more++
					continue
				}
				p = pair{strings.Clone(p.account), strings.Clone(p.region)}
				x = &gapRow{Account: p.account, Region: p.region, Values: make([]int64, count)}
				by[p] = x
			}
			n := cellNumber(b, "count", i)
			x.Values[at] += n
			x.Total += n
		}
		return nil
	})
	if err != nil {
		return err
	}
	rows, gaps := []*gapRow{}, []gap{}
	for _, x := range by {
		rows = append(rows, x)
		gaps = append(gaps, gapsOf(x, start, span, to)...)
	}
	slices.SortFunc(rows, func(x, y *gapRow) int {
		return cmp.Or(cmp.Compare(y.Total, x.Total), cmp.Compare(x.Account, y.Account), cmp.Compare(x.Region, y.Region))
	})
	slices.SortFunc(gaps, func(x, y gap) int {
		return cmp.Or(cmp.Compare(y.Hours, x.Hours), cmp.Compare(x.Account, y.Account), cmp.Compare(x.Region, y.Region), x.From.Compare(y.From))
	})
	times := []time.Time{}
	for i := range count {
		times = append(times, start.Add(time.Duration(i)*span))
	}
	if more > 0 {
		notice = fmt.Sprintf("Only %d pairs of account and region are looked at.", mostPairs)
	}
	out := map[string]any{
		"from": start, "to": to, "span_seconds": int64(span / time.Second), "times": times, "rows": rows, "items": gaps[:min(len(gaps), mostGaps)], "total": len(gaps),
	}
	if notice != "" {
		out["notice"] = notice
	}
	return ok(w, out)
}

// gapsOf finds the spans in which a pair has no events though it usually has some.
func gapsOf(x *gapRow, start time.Time, span time.Duration, end time.Time) (gaps []gap) {
	full := 0
	for _, n := range x.Values {
		if n > 0 {
			full++
		}
	}
	if float64(full) < gapShare*float64(len(x.Values)) {
		return nil
	}
	rate := float64(x.Total) / (float64(full) * span.Hours())
	for i := 0; i < len(x.Values); {
		if x.Values[i] > 0 {
			i++
			continue
		}
		j := i
		for j < len(x.Values) && x.Values[j] == 0 {
			j++
		}
		to := start.Add(time.Duration(j) * span)
		if to.After(end) {
			to = end
		}
		from := start.Add(time.Duration(i) * span)
		if hours := to.Sub(from).Hours(); hours*rate >= gapExpected {
			gaps = append(gaps, gap{x.Account, x.Region, from, to, hours, rate, j == len(x.Values)})
		}
		i = j
	}
	return gaps
}

type healthCondition struct {
	Key      string     `json:"key"`
	Kind     string     `json:"kind"`
	Severity string     `json:"severity"`
	Text     string     `json:"text"`
	Opened   time.Time  `json:"opened"`
	Updated  time.Time  `json:"updated"`
	Closed   *time.Time `json:"closed,omitempty"`
}

func conditionOf(c *state.Condition) healthCondition {
	kind, _, _ := strings.Cut(c.Key, " ")
	return healthCondition{c.Key, kind, severityOf(c.Severity), c.Text, fromMilli(c.Opened), fromMilli(c.Updated), timeOf(fromMilli(c.Closed))}
}

// mostRecent bounds the conditions that ended lately.
const mostRecent = 200

func (s *Server) getHealth(w http.ResponseWriter, r *http.Request) error {
	db := s.cfg.Product.State
	open, err := db.OpenConditions()
	if err != nil {
		return err
	}
	now, recent := []healthCondition{}, []healthCondition{}
	for i := range open {
		now = append(now, conditionOf(&open[i]))
	}
	since := time.Now().Add(-30 * 24 * time.Hour).UnixMilli()
	err = db.Conditions(r.Context(), state.ActionQuery{Latest: time.Now().Add(time.Hour).UnixMilli()}, func(c *state.Condition) error {
		if c.Closed >= since {
			recent = append(recent, conditionOf(c))
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(recent, func(x, y healthCondition) int { return y.Closed.Compare(*x.Closed) })
	alarms, err := db.Alarms()
	if err != nil {
		return err
	}
	words := []string{}
	for _, a := range alarms {
		words = append(words, integrity.Describe(a))
	}
	return ok(w, map[string]any{"ok": len(now)+len(words) == 0, "conditions": now, "recent": recent[:min(len(recent), mostRecent)], "alarms": words})
}

type opening struct {
	exposure.Opening
	Text      string              `json:"traffic_text"`
	Instances []exposure.Instance `json:"instances"`
}

func (s *Server) listExposure(w http.ResponseWriter, r *http.Request) error {
	limit, from, err := pageOf(r)
	if err != nil {
		return err
	}
	all, err := yes(r, "all")
	if err != nil {
		return err
	}
	if s.cfg.Product.Exposure == nil {
		return lacking("knowledge of what is open")
	}
	known, err := s.cfg.Product.Exposure.Known(r.Context())
	if err != nil {
		return err
	}
	id := r.FormValue("id")
	reach, chosen := map[string]int{}, []opening{}
	for i := range known {
		o := known[i]
		if !all && o.Closed != nil || id != "" && o.ID != id && !slices.ContainsFunc(o.Instances, func(x exposure.Instance) bool { return x.ID == id }) {
			continue
		}
		x := opening{o, o.Traffic.String(), o.Instances}
		if x.Instances == nil {
			x.Instances = []exposure.Instance{}
		}
		reach[string(o.Reach)]++
		chosen = append(chosen, x)
	}
	return ok(w, struct {
		list[opening]
		Reach map[string]int `json:"reach"`
	}{cut(chosen, limit, from), reach})
}

type enriched struct {
	What    string     `json:"what"`
	About   string     `json:"about"`
	Of      *time.Time `json:"of,omitempty"`
	Problem string     `json:"problem,omitempty"`
}

type outputInfo struct {
	Name    string `json:"name"`
	Problem string `json:"problem,omitempty"`
}

func (s *Server) getSystem(w http.ResponseWriter, r *http.Request) error {
	p := &s.cfg.Product
	c, err := p.State.Checkpoint()
	if err != nil {
		return err
	}
	findings, err := p.State.CountFindings()
	if err != nil {
		return err
	}
	alerts, err := p.State.CountAlerts()
	if err != nil {
		return err
	}
	out := map[string]any{
		"version": s.cfg.Version, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH, "started": p.Started.UTC(), "now": time.Now().UTC(), "data": p.Data, "bytes": s.sized.get(p.Data),
		"events": c.Events, "findings": findings, "alerts": alerts, "rules": 0, "time_zone": "UTC",
	}
	if rs := s.rules(); rs != nil {
		out["rules"] = len(rs.Rules)
	}
	var fsys syscall.Statfs_t
	if syscall.Statfs(p.Data, &fsys) == nil {
		out["free"] = int64(fsys.Bavail) * int64(fsys.Bsize)
	}
	if p.Span != nil {
		if first, last := p.Span(); !first.IsZero() {
			out["first"], out["last"] = first, last
		}
	}
	data := []enriched{}
	if cfg := p.Config; cfg != nil {
		if cfg.TimeZone != "" {
			out["time_zone"] = cfg.TimeZone
		}
		list, err := output.List(p.State, cfg)
		if err != nil {
			return err
		}
		outputs := []outputInfo{}
		for _, o := range list {
			outputs = append(outputs, outputInfo{o.Name, o.Problem})
		}
		out["outputs"] = outputs
		if networks, err := enrich.OpenNetworks(cfg.Network); err != nil {
			data = append(data, enriched{What: "networks", About: "cannot be used", Problem: err.Error()})
		} else {
			for _, d := range networks.Databases() {
				x := enriched{What: "networks", About: d.Path + ": " + d.Type, Of: timeOf(d.Built)}
				if d.Err != nil {
					x.Problem = d.Err.Error()
				}
				data = append(data, x)
			}
			if err := networks.Close(); err != nil {
				return err
			}
		}
	}
	data = append(data, enriched{What: "kinds", About: "kinds of networks, reviewed " + enrich.CuratedDate()})
	if p.Lists != nil {
		for _, h := range p.Lists.Status().Lists {
			x := describeList(h, time.Now())
			data = append(data, enriched{What: "list", About: h.Name + ": " + x.State, Of: x.Of, Problem: x.Problem})
		}
	}
	out["enrichment"] = data
	return ok(w, out)
}

// folderSize returns the bytes of the files below a folder.
func folderSize(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil // a merge removed it
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
		return nil
	})
	return n
}
