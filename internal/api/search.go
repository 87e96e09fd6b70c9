package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/api/mcp"
	"bluetrail/internal/auth"
	"bluetrail/internal/config"
	"bluetrail/internal/diag"
	"bluetrail/internal/result"
	"bluetrail/internal/search/job"
	"bluetrail/internal/store/findings"
	"bluetrail/internal/vector"
)

func (s *Server) searchRoutes() []route {
	return []route{
		{"POST /api/v1/search/jobs", auth.Viewer, s.startSearch},
		{"GET /api/v1/search/jobs", auth.Viewer, s.searches},
		{"GET /api/v1/search/jobs/{id}", auth.Viewer, s.search},
		{"DELETE /api/v1/search/jobs/{id}", auth.Viewer, s.cancelSearch},
		{"GET /api/v1/search/jobs/{id}/results", auth.Viewer, s.searchResults},
		{"GET /api/v1/search/jobs/{id}/stream", auth.Viewer, s.searchStream},
		{"GET /api/v1/search/jobs/{id}/timeline", auth.Viewer, s.searchTimeline},
		{"GET /api/v1/search/jobs/{id}/fields", auth.Viewer, s.searchFields},
		{"GET /api/v1/search/jobs/{id}/export", auth.Viewer, s.exportSearch},
		{"GET /api/v1/search/history", auth.Viewer, s.searchHistory},
		{"GET /api/v1/events/{id}", auth.Viewer, s.event},
	}
}

// searchWriter may run searches that write.
const searchWriter = auth.Engineer

// mayWrite reports whether the searches of r may change something. Those of language
// models may not, whoever's token they have. Nor may a link that somebody with a
// session follows, which any site can make.
func mayWrite(r *http.Request) bool {
	who := auth.From(r.Context())
	link := who != nil && who.Session != "" && r.Method != http.MethodPost
	return who != nil && who.Role >= searchWriter && !link && r.Header.Get(mcp.ClientHeader) != mcp.Client
}

// refusedIndexes are the indexes of bluetrail's own that the searches of r may not read:
// the audit log is for administrators, and a token keeps to its areas.
func refusedIndexes(r *http.Request) (list []string) {
	who := auth.From(r.Context())
	may := func(area string) bool {
		return who != nil && (len(who.Scopes) == 0 || slices.Contains(who.Scopes, area))
	}
	if !may("people") || who.Role < auth.Admin {
		list = append(list, config.AuditIndex)
	}
	if !may("alerts") {
		list = append(list, config.AlertsIndex, findings.Index)
	}
	if !may("system") {
		list = append(list, config.HealthIndex)
	}
	return list
}

// searchError turns the error of a search into one for the client. text is what
// was sent: a place in another text is of no use.
func searchError(err error, text string) error {
	var place *diag.Error
	switch {
	case errors.As(err, &place):
		e := badSearch(place)
		if place.Src != "" && place.Src != text {
			e.Place = nil
		}
		return e
	case errors.Is(err, job.ErrWrites):
		return &Error{Status: http.StatusForbidden, Code: "forbidden", Message: "this search changes something or sends something, which needs the role " + searchWriter.String() + " and is not done for links and language models"}
	case errors.Is(err, job.ErrTooMany):
		return &Error{Status: http.StatusTooManyRequests, Code: "too_many", Message: err.Error()}
	case errors.Is(err, job.ErrNone):
		return &Error{Status: http.StatusNotFound, Code: "not_found", Message: err.Error(), Hint: "run the search again"}
	case errors.Is(err, job.ErrStopping):
		return &Error{Status: http.StatusServiceUnavailable, Code: "stopping", Message: err.Error()}
	case errors.Is(err, job.ErrDeep):
		return &Error{Status: http.StatusUnprocessableEntity, Code: "too_large", Message: err.Error(), Hint: "sort in the search, as with | sort 0 FIELD"}
	case errors.Is(err, job.ErrNoEvents):
		return &Error{Status: http.StatusConflict, Code: "no_events", Message: err.Error()}
	}
	return err
}

// rangeOf writes a time range for the audit log: -24h to now.
func rangeOf(earliest, latest string) string {
	return earliest + " to " + latest
}

func (s *Server) startSearch(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Search   string `json:"search"`
		Earliest string `json:"earliest"`
		Latest   string `json:"latest"`
		Now      string `json:"now"`
		TZ       string `json:"tz"`
		Preview  bool   `json:"preview"`
		MaxRows  int    `json:"max_rows"`
	}
	if err := decode(w, r, &in); err != nil {
		return err
	}
	if in.MaxRows < 0 || in.MaxRows > 1_000_000 {
		return badRequest("max_rows must be between 1 and 1000000")
	}
	if strings.TrimSpace(in.Search) == "" {
		return &Error{Status: http.StatusBadRequest, Code: "bad_search", Message: "the search is empty", Hint: "* finds all events"}
	}
	j, err := s.cfg.Jobs.Start(job.Ask{
		Search: in.Search, Earliest: in.Earliest, Latest: in.Latest, Now: in.Now, Zone: in.TZ, Preview: in.Preview, MaxRows: in.MaxRows, User: user(r), Refused: refusedIndexes(r),
	}, mayWrite(r))
	if err != nil {
		return searchError(err, in.Search)
	}
	if err := s.audit(r, "searched", "search", rangeOf(in.Earliest, in.Latest), in.Search); err != nil {
		s.cfg.Jobs.Drop(j)
		return err
	}
	return answer(w, http.StatusCreated, s.jobBody(r, j))
}

// job returns the job that a path names; an admin sees everybody's.
func (s *Server) job(r *http.Request) (*job.Job, error) {
	j, err := s.cfg.Jobs.Get(ownerOf(r), r.PathValue("id"))
	return j, searchError(err, "")
}

// ownerOf returns whose jobs a request may see, "" = everybody's.
func ownerOf(r *http.Request) string {
	if who := auth.From(r.Context()); who != nil && who.Role >= auth.Admin {
		return ""
	}
	return user(r)
}

// progressBody is how far a job is.
type progressBody struct {
	Share     float64 `json:"share"`
	Matched   int64   `json:"matched"`
	Bytes     int64   `json:"bytes"`
	ElapsedMS int64   `json:"elapsed_ms"`
	LeftMS    int64   `json:"left_ms,omitempty"`
}

func progressOf(in *job.Info) progressBody {
	return progressBody{in.Share, in.Matched, in.Bytes, in.Took.Milliseconds(), in.Left.Milliseconds()}
}

type noticeBody struct {
	Level  string `json:"level"`
	Object string `json:"object,omitempty"`
	Text   string `json:"text"`
}

func noticesOf(list []diag.Notice) []noticeBody {
	out := []noticeBody{}
	for _, n := range list {
		out = append(out, noticeBody{[]string{"note", "warning", "problem"}[min(n.Level, diag.Problem)], n.Object, n.Text})
	}
	return out
}

// jobBody is a job as it is sent.
type jobBody struct {
	ID       string       `json:"id"`
	Search   string       `json:"search"`
	Earliest string       `json:"earliest,omitempty"`
	Latest   string       `json:"latest,omitempty"`
	TZ       string       `json:"tz,omitempty"`
	From     *time.Time   `json:"from,omitempty"`
	To       *time.Time   `json:"to,omitempty"`
	User     string       `json:"user"`
	State    job.State    `json:"state"`
	Queued   int          `json:"queued,omitempty"`
	Rows     int          `json:"rows"`
	More     bool         `json:"more"`
	Events   bool         `json:"events"`
	Front    string       `json:"front,omitempty"`
	Columns  []string     `json:"columns"`
	Progress progressBody `json:"progress"`
	Notices  []noticeBody `json:"notices"`
	Error    *errorBody   `json:"error,omitempty"`
	Started  time.Time    `json:"started"`
	Ended    *time.Time   `json:"ended,omitempty"`
}

// timeOf returns a time as it is sent, nil for a zero one, which is left out.
func timeOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func (s *Server) jobBody(r *http.Request, j *job.Job) *jobBody {
	in := j.Info()
	return s.jobAt(r, j, &in)
}

func (s *Server) jobAt(r *http.Request, j *job.Job, in *job.Info) *jobBody {
	from, to := in.Range()
	b := &jobBody{
		ID: j.ID, Search: j.Ask.Search, Earliest: j.Ask.Earliest, Latest: j.Ask.Latest, TZ: j.Ask.Zone, From: timeOf(from), To: timeOf(to), User: j.Ask.User,
		State: in.State, Queued: in.Before, Rows: in.Rows, More: in.More, Events: j.Parts.Events, Front: j.Parts.Front, Columns: append([]string{}, in.Columns...),
		Progress: progressOf(in), Notices: noticesOf(in.Notices), Started: j.Began.UTC(), Ended: timeOf(in.Ended),
	}
	if in.Err != nil {
		e := &Error{Code: "cancelled", Message: in.Err.Error()}
		if in.State != job.Cancelled {
			e = s.toSend(r, searchError(in.Err, j.Ask.Search))
		}
		body := e.body()
		b.Error = &body
	}
	return b
}

func (s *Server) searches(w http.ResponseWriter, r *http.Request) error {
	var items []*jobBody
	for _, j := range s.cfg.Jobs.List(ownerOf(r)) {
		items = append(items, s.jobBody(r, j))
	}
	return ok(w, listOf(items))
}

func (s *Server) search(w http.ResponseWriter, r *http.Request) error {
	j, err := s.job(r)
	if err != nil {
		return err
	}
	return ok(w, s.jobBody(r, j))
}

func (s *Server) cancelSearch(w http.ResponseWriter, r *http.Request) error {
	j, err := s.job(r)
	if err != nil {
		return err
	}
	if j.Info().State.Ended() {
		s.cfg.Jobs.Drop(j)
	} else {
		j.Cancel()
	}
	return none(w)
}

// viewOf reads which rows a request wants.
func viewOf(r *http.Request, most int) (v job.View, err error) {
	if v.Offset, err = number(r, "offset", 0, 0, 1<<30); err != nil {
		return v, err
	}
	if v.Count, err = number(r, "count", min(100, most), 0, most); err != nil {
		return v, err
	}
	q := r.URL.Query()
	v.Sort, v.Fields, v.Filter = words(q.Get("sort")), words(q.Get("fields")), q.Get("filter")
	return v, nil
}

// words splits a list by comma.
func words(text string) (list []string) {
	for w := range strings.SplitSeq(text, ",") {
		if w = strings.TrimSpace(w); w != "" {
			list = append(list, w)
		}
	}
	return list
}

// rowsOf returns rows as they are sent.
func rowsOf(batches ...*vector.Batch) ([]json.RawMessage, error) {
	var buf bytes.Buffer
	w, err := result.New(&buf, result.Options{Format: "json"})
	if err != nil {
		return nil, err
	}
	for _, b := range batches {
		if err := w.Write(b); err != nil {
			return nil, err
		}
	}
	rows := []json.RawMessage{}
	for line := range bytes.Lines(buf.Bytes()) {
		rows = append(rows, bytes.TrimSuffix(line, []byte("\n")))
	}
	return rows, nil
}

func (s *Server) searchResults(w http.ResponseWriter, r *http.Request) error {
	j, err := s.job(r)
	if err != nil {
		return err
	}
	v, err := viewOf(r, 10_000)
	if err != nil {
		return err
	}
	p, err := j.Page(r.Context(), v)
	if err != nil {
		return searchError(err, "")
	}
	rows, err := rowsOf(p.Rows...)
	if err != nil {
		return err
	}
	return ok(w, struct {
		Columns []string          `json:"columns"`
		Rows    []json.RawMessage `json:"rows"`
		Offset  int               `json:"offset"`
		Total   int               `json:"total"`
		State   job.State         `json:"state"`
		Events  bool              `json:"events"`
		Preview bool              `json:"preview,omitempty"`
	}{p.Columns, rows, v.Offset, p.Total, j.Info().State, j.Parts.Events, p.Preview})
}
