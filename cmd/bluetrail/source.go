package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/control"
	"bluetrail/internal/detect/live"
	"bluetrail/internal/diag"
	"bluetrail/internal/enrich"
	"bluetrail/internal/ingest"
	"bluetrail/internal/integrity"
	"bluetrail/internal/knowledge"
	"bluetrail/internal/leftover"
	"bluetrail/internal/search"
	"bluetrail/internal/source/bucket"
	"bluetrail/internal/spill"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/state"
	"bluetrail/internal/store"
	"bluetrail/internal/store/actors"
	"bluetrail/internal/store/files"
	"bluetrail/internal/store/findings"
	"bluetrail/internal/store/vlogs"
)

// source is the flags that say what a search reads and when.
type source struct {
	Files      []string `help:"Files, folders, globs or s3://BUCKET/PREFIX to search directly; repeatable." placeholder:"PATH"`
	Data       string   `help:"Data directory to search (default: from the configuration)." placeholder:"DIR" env:"BLUETRAIL_DATA"`
	Earliest   string   `help:"Start of the time range, inclusive: -24h, -7d@d, epoch, RFC 3339." placeholder:"T"`
	Latest     string   `help:"End of the time range, exclusive." placeholder:"T"`
	Now        string   `help:"Current time for relative times and now()." placeholder:"T"`
	TZ         string   `name:"tz" help:"Time zone of the times shown and of relative times: Europe/Berlin, UTC, Local (default: the TZ variable, then the configuration)." placeholder:"ZONE"`
	Knowledge  []string `help:"Folder of macros and lookups; repeatable." placeholder:"DIR"`
	Index      string   `help:"Index of the events in --files." default:"aws" placeholder:"NAME"`
	Sourcetype string   `help:"Sourcetype of --files (default: detected from each record)." placeholder:"NAME"`
	inPlace
}

// input are the events of a command that takes paths as arguments.
type input struct {
	Paths []control.Path `arg:"" optional:"" name:"path" help:"CloudTrail files, folders or globs, or s3://BUCKET/PREFIX (default: the data directory)." placeholder:"PATH"`
	source
}

// AfterApply takes the paths as files to read.
func (i *input) AfterApply() error {
	i.Files = append(i.Files, pathsOf(i.Paths)...)
	i.Paths = nil
	return i.source.AfterApply()
}

func pathsOf(paths []control.Path) (list []string) {
	for _, p := range paths {
		list = append(list, string(p))
	}
	return list
}

// home returns the data directory that the flags name, "" for files.
func (s *source) home(a *app) string {
	if len(s.Files) > 0 {
		return ""
	}
	return a.dataDir(s.Data)
}

// AfterApply takes the time zone of the user's environment: a server that runs
// the search has another.
func (s *source) AfterApply() error {
	if s.TZ == "" {
		s.TZ = strings.TrimPrefix(os.Getenv("TZ"), ":")
		if _, err := time.LoadLocation(s.TZ); err != nil {
			s.TZ = "" // POSIX forms such as CET-1CEST
		}
	}
	return nil
}

// options returns a search of what the flags name; its store has to be closed.
func (s *source) options(a *app) (o search.Options, err error) {
	if o, err = s.bounds(a); err != nil {
		return o, err
	}
	env, err := o.Env() // before a store is opened
	if err != nil {
		return o, err
	}
	if o.Store, err = s.store(a, env); err != nil {
		return o, err
	}
	switch {
	case a.opened != nil && len(s.Files) == 0:
		o.Actors = a.shares.actorsOf(a.opened, a.rules)
	case len(s.Files) == 0:
		o.Actors = &actors.Actors{Class: a.classOf(a.dataDir(s.Data))}
	default:
		o.Actors = &actors.Actors{Overrides: a.overrides()}
	}
	return o, nil
}

// store opens what the flags name, for searches of the time range of env.
func (s *source) store(a *app, env *exec.Env) (store.Store, error) {
	if len(s.Files) > 0 {
		if s.Data != "" && os.Getenv("BLUETRAIL_DATA") != s.Data {
			return nil, usage("--files and --data cannot be searched together; ingest the files, or search twice")
		}
		disk, far := inBuckets(s.Files)
		for _, path := range disk {
			if err := a.notData(path); err != nil {
				return nil, err
			}
		}
		o := files.Options{Index: s.Index, Sourcetype: s.Sourcetype, TempDir: a.cfg.Search.TempDir}
		if err := s.remote(a, far, env, &o); err != nil {
			return nil, err
		}
		if s.DryRun {
			if err := a.rehearse(o.Remote.(*bucket.Place), disk); err != nil {
				return nil, err
			}
			disk = nil
		}
		defer a.waiting("listing files")()
		return files.Open(disk, o)
	}
	if flag := s.inPlace.used(); flag != "" {
		return nil, usage("%s is for files in S3: give an address such as s3://BUCKET/AWSLogs", flag)
	}
	if a.opened != nil {
		alarms, err := a.opened.State().Alarms()
		if err != nil {
			return nil, err
		}
		a.alarms(alarms, a.dataDir(s.Data))
		return findings.NewBeside(borrowed{a.opened.Store()}, a.opened.State()).Triage(a.shownFinding(a.opened.State(), "")), nil
	}
	dir := a.dataDir(s.Data)
	if err := a.removeLeftovers(dir); err != nil {
		return nil, err
	}
	st, alarms, err := integrity.Open(a.ctx, dir, vlogs.Options{ReadOnly: true})
	if errors.Is(err, integrity.ErrNoEvents) {
		return absent{dir}, nil
	}
	if err != nil {
		return nil, err
	}
	a.alarms(alarms, dir)
	return findings.OpenBeside(st, dir).Triage(a.shownFinding(nil, dir)), nil
}

// alarms says which days lack events, and makes the exit code say so.
func (a *app) alarms(list []state.Alarm, data string) {
	for _, l := range list {
		a.partly = true
		a.warn("%s", integrity.Describe(l))
	}
	if len(list) > 0 {
		a.warn("results are incomplete; recover the events with: bluetrail repair --data %s", shellWord(data))
	}
}

// borrowed is the store of a server, which a search must not close.
type borrowed struct{ *vlogs.Store }

// Close implements store.Store.
func (borrowed) Close() error { return nil }

// absent stands for a data directory that is not there: searches that read no
// events need none.
type absent struct{ dir string }

func (s absent) Prepare(*store.Query) (store.Scan, error) {
	if _, err := os.Stat(filepath.Join(s.dir, ingest.EventsDir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot open data directory: %w", err)
	}
	if isDir(s.dir) {
		return nil, usage("data directory %q contains no events; ingest some with: bluetrail ingest PATH --data %s", s.dir, shellWord(s.dir))
	}
	return nil, usage("there is no data directory %q; use --files PATH to search files directly, use --data DIR, or create one with: bluetrail ingest PATH --data %s", s.dir, shellWord(s.dir))
}

func (absent) Close() error { return nil }

// bounds returns all of a search's options but its text and its store.
func (s *source) bounds(a *app) (search.Options, error) {
	l := a.cfg.Search
	zone := a.zone()
	if s.TZ != "" {
		var err error
		if zone, err = time.LoadLocation(s.TZ); err != nil {
			return search.Options{}, usage("--tz %q is not a time zone; write it as Europe/Berlin, UTC or Local", s.TZ)
		}
	}
	o := search.Options{
		Earliest: s.Earliest, Latest: s.Latest, Now: s.Now, Zone: zone, Time: l.Time, Memory: a.memory(), Disk: a.disk(), Meter: &a.shares.searches,
		Limits: exec.Limits{
			SubsearchRows: l.SubsearchRows, SubsearchTime: l.SubsearchTime, SubsearchDepth: l.SubsearchDepth,
			JoinRows: l.JoinRows, SortRows: l.SortRows, ListValues: l.ListValues, Memory: int64(l.MemoryMiB) << 20, Rows: l.Rows,
		},
	}
	know, err := a.knowledge(s.Data, s.Knowledge)
	if err != nil {
		return o, err
	}
	if dir := a.path(a.dataDir(s.Data)); len(s.Files) == 0 && isDir(dir) {
		know.WritingTo(filepath.Join(dir, "knowledge"))
	}
	o.Macros, o.Knowledge = know, know
	geo, err := a.shares.geo(a.cfg.GeoIP)
	if err != nil {
		return o, err
	}
	o.Geo = geo
	return o, nil
}

// dataDir returns the data directory that a flag names, or else the
// configuration.
func (a *app) dataDir(flag string) string {
	if flag != "" {
		return flag
	}
	return a.cfg.Data
}

// memory is what all searches together may hold.
func (a *app) memory() *exec.Budget {
	a.shares.set(a.cfg.Search)
	return a.shares.held
}

// disk is what they may put into temporary files, nil = nothing.
func (a *app) disk() *spill.Space {
	a.shares.set(a.cfg.Search)
	return a.shares.spilled
}

// set makes the shares, once.
func (s *shares) set(l config.Search) {
	s.once.Do(func() {
		s.held = exec.NewBudget(int64(l.TotalMemoryMiB) << 20)
		if l.DiskMiB > 0 {
			s.spilled = spill.NewSpace(l.TempDir, int64(l.DiskMiB)<<20)
		}
	})
}

// geo opens the GeoIP databases, which searches share until one of the files
// changes. Those from before stay open, since searches may be using them.
func (s *shares) geo(paths []string) (*enrich.Geo, error) {
	var key strings.Builder
	for _, path := range paths {
		fmt.Fprintf(&key, "%q", path)
		if info, err := os.Stat(path); err == nil {
			fmt.Fprintf(&key, " %d %d", info.Size(), info.ModTime().UnixNano())
		}
	}
	s.geoMu.Lock()
	defer s.geoMu.Unlock()
	if s.geoip != nil && s.geoOf == key.String() {
		return s.geoip, nil
	}
	g, err := enrich.OpenGeo(paths)
	if err != nil {
		return nil, err
	}
	s.geoip, s.geoOf = g, key.String()
	return g, nil
}

// actorsOf returns what searches of a server's data directory know of its actors.
func (s *shares) actorsOf(p *ingest.Pipeline, rules *live.Rules) *actors.Actors {
	s.actorsOnce.Do(func() {
		if rules != nil {
			s.actors.Class = func(name, kind string) string { return string(rules.Opinion(name, kind).Class) }
		}
		s.actors.Shown = func() (int64, error) { return p.Store().Shown(), nil }
	})
	return &s.actors
}

// absolute makes the paths of a configuration mean the same wherever it is used:
// a server runs searches for commands in other directories.
func absolute(c config.Config) (config.Config, error) {
	var failed error
	abs := func(path string) string {
		if path == "" || path == enrich.Shipped {
			return path
		}
		full, err := filepath.Abs(path)
		failed = errors.Join(failed, err)
		return full
	}
	all := func(paths []string) (out []string) {
		for _, path := range paths {
			out = append(out, abs(path))
		}
		return out
	}
	c.Knowledge, c.GeoIP, c.Search.TempDir = all(c.Knowledge), all(c.GeoIP), abs(c.Search.TempDir)
	c.Network, c.Assets, c.AllowFiles = all(c.Network), all(c.Assets), all(c.AllowFiles)
	c.Lists = slices.Clone(c.Lists)
	for i := range c.Lists {
		c.Lists[i].File, c.Lists[i].AuthFile = abs(c.Lists[i].File), abs(c.Lists[i].AuthFile)
	}
	c.Rules.Dirs, c.Verify.Keys = all(c.Rules.Dirs), abs(c.Verify.Keys)
	c.Serve.TLS.Cert, c.Serve.TLS.Key = abs(c.Serve.TLS.Cert), abs(c.Serve.TLS.Key)
	if c.Auth.OIDC != nil {
		o := *c.Auth.OIDC
		if path, ok := strings.CutPrefix(string(o.ClientSecret), "file:"); ok {
			o.ClientSecret = config.Secret("file:" + abs(path))
		}
		c.Auth.OIDC = &o
	}
	c.Sources = slices.Clone(c.Sources)
	for i := range c.Sources {
		r := &c.Sources[i].Receiver
		r.ListenTLS.Cert, r.ListenTLS.Key = abs(r.ListenTLS.Cert), abs(r.ListenTLS.Key)
		r.Tokens = slices.Clone(r.Tokens)
		for j := range r.Tokens {
			if path, ok := strings.CutPrefix(string(r.Tokens[j].Token), "file:"); ok {
				r.Tokens[j].Token = config.Secret("file:" + abs(path))
			}
		}
	}
	c.Outputs = slices.Clone(c.Outputs)
	for i := range c.Outputs {
		o := &c.Outputs[i]
		o.CA, o.Path = abs(o.CA), abs(o.Path)
		for _, s := range []*config.Secret{&o.URL, &o.Token, &o.Secret, &o.Password} {
			if path, ok := strings.CutPrefix(string(*s), "file:"); ok {
				*s = config.Secret("file:" + abs(path))
			}
		}
	}
	return c, failed
}

// knowledge opens the folders of macros and lookups: those of the
// configuration, those given, and the one in the data directory, which data
// names as dataDir takes it.
func (a *app) knowledge(data string, dirs []string) (*knowledge.Knowledge, error) {
	all := append(append([]string(nil), a.cfg.Knowledge...), dirs...)
	if own := filepath.Join(a.dataDir(data), "knowledge"); isDir(a.path(own)) {
		all = append(all, own)
	}
	for i, dir := range all {
		if all[i] = a.path(dir); !isDir(all[i]) {
			return nil, usage("there is no knowledge folder %q", dir)
		}
	}
	return a.shares.known.Open(all...)
}

// notData refuses a data directory where files of events are meant.
func (a *app) notData(path string) error {
	full := a.path(path)
	if isDir(filepath.Join(full, ingest.EventsDir)) && exists(filepath.Join(full, state.DatabaseFile)) {
		return usage("%s is a data directory of bluetrail; write --data %s", diag.Printable(path), shellWord(path))
	}
	return nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// removeLeftovers removes what killed runs left in a data directory, and says so.
func (a *app) removeLeftovers(data string) error {
	if a.opened != nil { // the server has the directory; it did so when it started
		return nil
	}
	removed, err := leftover.Remove(data)
	for _, path := range removed {
		a.note("removed %s, left by a killed run", path)
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return nil // such a directory can still be searched
	}
	return err
}
