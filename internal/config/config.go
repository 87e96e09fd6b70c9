// Package config reads bluetrail's one configuration file: YAML, decoded
// strictly, on top of Default.
package config

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"bluetrail/internal/yamldoc"

	"github.com/goccy/go-yaml"
)

// Config is the whole configuration. Flags go over the environment, the
// environment over the file, the file over Default.
type Config struct {
	Data      string   `yaml:"data"`      // data directory
	Knowledge []string `yaml:"knowledge"` // folders of macros and lookups
	GeoIP     []string `yaml:"geoip"`     // .mmdb files; none = the shipped country database
	Network   []string `yaml:"network"`   // .mmdb or .csv files of AS numbers; none = the shipped networks
	Assets    []string `yaml:"assets"`    // tables of AWS accounts (.csv)
	Facts     []Facts  `yaml:"facts"`     // accounts and regions to ask for what they have
	// Organization says how to learn which accounts there are; nil = only from Assets.
	Organization *Organization `yaml:"organization"`
	Lists        []List        `yaml:"lists"` // of addresses
	Allow        []Allow       `yaml:"allow"`
	AllowFiles   []string      `yaml:"allow_files"` // more entries, read again when they change
	TimeZone     string        `yaml:"timezone"`    // IANA name, "Local" or "UTC"
	Search       Search        `yaml:"search"`
	// Retention is by the name of an index; AnyIndex holds for those without
	// an entry. Indexes with neither are kept for good.
	Retention map[string]Retention `yaml:"retention"`
	Serve     Serve                `yaml:"serve"`
	Log       Log                  `yaml:"log"` // of a server, on standard error
	Auth      Auth                 `yaml:"auth"`
	Sources   []Source             `yaml:"sources"` // of events that a server takes in
	Verify    Verify               `yaml:"verify"`
	Drop      []Drop               `yaml:"drop"` // records that are not stored
	Rules     Rules                `yaml:"rules"`
	Alerts    Alerts               `yaml:"alerts"`
	Classes   []Class              `yaml:"classes"` // what kind of actor somebody is

	Outputs     []Output      `yaml:"outputs"`     // where alerts are sent
	Routes      []Route       `yaml:"routes"`      // none = every output hears of every alert
	Maintenance []Maintenance `yaml:"maintenance"` // when they are not sent
}

// Class says what kind of actor those of a name are.
type Class struct {
	Actor  string `yaml:"actor"` // * stands for any text
	Class  string `yaml:"class"` // as in actor.Class
	Reason string `yaml:"reason"`
}

// Alerts say how findings become alerts.
type Alerts struct {
	// Window is how close findings of one rule and entity lie that make one alert, and
	// how long after it was closed others join it silently. Windows are by ID, name or
	// title of a rule.
	Window  time.Duration            `yaml:"window"`
	Windows map[string]time.Duration `yaml:"windows"`
	Risk    Risk                     `yaml:"risk"`
}

// Risk says when the findings of several rules about one entity make an alert.
type Risk struct {
	Threshold float64       `yaml:"threshold"`
	HalfLife  time.Duration `yaml:"half_life"` // after which a finding counts half
}

// Bounds of Alerts.
const (
	leastWindow = time.Minute
	mostWindow  = 90 * 24 * time.Hour
	mostRisk    = 1_000_000
)

// Rules say which rules are evaluated on events as they come in.
type Rules struct {
	Dirs     []string      `yaml:"dirs"`     // folders of Sigma and SPL rules
	Shipped  bool          `yaml:"shipped"`  // the rules that come with bluetrail run, too
	Off      []string      `yaml:"off"`      // IDs, names or titles of rules that do not run
	Lateness time.Duration `yaml:"lateness"` // how late events may arrive and still count as if they had come in order
}

// Bounds of Rules.Lateness.
const (
	leastLateness = time.Minute
	mostLateness  = 7 * 24 * time.Hour
)

// Log is how a server writes its log.
type Log struct {
	Format string `yaml:"format"` // LogText or LogJSON
}

// Formats of Log.
const (
	LogText = "text" // key=value
	LogJSON = "json" // an object a line
)

// Serve is how a server is reached.
type Serve struct {
	Addr           string   `yaml:"addr"` // HOST:PORT
	TLS            TLS      `yaml:"tls"`
	AllowPlain     bool     `yaml:"allow_plain"`     // Addr may be reached from other machines without TLS
	AllowRemote    bool     `yaml:"allow_remote"`    // the older name of AllowPlain
	TrustedProxies []string `yaml:"trusted_proxies"` // addresses and networks whose X-Forwarded headers are believed
	Hosts          []string `yaml:"hosts"`           // names under which browsers reach the server
	ScrubDays      int      `yaml:"scrub_days"`      // in which a server reads all of the store again to find damage, 0 = never
}

// AnyIndex is the name of the retention of indexes that have none of their own.
const AnyIndex = "*"

// The indexes of what bluetrail itself says. AnyIndex does not hold for them.
const (
	FindingsIndex = "_findings" // what rules found
	AlertsIndex   = "_alerts"   // what became of it
	AuditIndex    = "_audit"    // who did what
	HealthIndex   = "_health"   // what is not well with bluetrail
)

// Retention bounds what is kept of an index; 0 is no limit.
type Retention struct {
	Days int `yaml:"days"` // days of event time
	MiB  int `yaml:"mib"`  // on disk
}

// Search bounds what one search may use.
type Search struct {
	MemoryMiB      int           `yaml:"memory_mib"`
	TotalMemoryMiB int           `yaml:"total_memory_mib"` // of all searches together
	DiskMiB        int           `yaml:"disk_mib"`         // of temporary files of all searches together, 0 = none
	TempDir        string        `yaml:"temp_dir"`         // where they lie, "" = the system's folder for them
	Time           time.Duration `yaml:"time"`             // 0 = any
	Rows           int           `yaml:"rows"`             // of a result, 0 = any number
	SubsearchRows  int           `yaml:"subsearch_rows"`
	SubsearchTime  time.Duration `yaml:"subsearch_time"`
	JoinRows       int           `yaml:"join_rows"`
	SortRows       int           `yaml:"sort_rows"`
	ListValues     int           `yaml:"list_values"`
	SubsearchDepth int           `yaml:"subsearch_depth"`
}

// Upper bounds of the numbers in a configuration: what is above them is a slip,
// and they keep products of them far from overflow.
const (
	maxFile = 1 << 20
	maxMiB  = 1 << 30 // a pebibyte
	maxRows = 1_000_000_000
	maxDays = 100 * 366
	maxTime = 365 * 24 * time.Hour
)

// Default returns the configuration that holds when nothing is said.
func Default() Config {
	return Config{
		Data:     "bluetrail-data",
		TimeZone: "UTC",
		Log:      Log{Format: LogText},
		Serve:    Serve{Addr: "127.0.0.1:8686", ScrubDays: 7},
		Auth:     Auth{Idle: 12 * time.Hour, Lifetime: 7 * 24 * time.Hour},
		Verify:   Verify{Every: 10 * time.Minute},
		Rules:    Rules{Shipped: true, Lateness: time.Hour},
		Alerts:   Alerts{Window: 24 * time.Hour, Risk: Risk{Threshold: 80, HalfLife: 24 * time.Hour}},
		Search: Search{
			MemoryMiB: 512, TotalMemoryMiB: 2048, DiskMiB: 10240, SubsearchRows: 10000, SubsearchTime: time.Minute,
			JoinRows: 50000, SortRows: 10000, ListValues: 100, SubsearchDepth: 8,
		},
	}
}

// Load reads a file over Default. An unknown key, a wrong type and a value out
// of range are errors that name the file and the place.
func Load(path string) (Config, error) {
	c := Default()
	f, err := os.Open(path)
	if err != nil {
		return c, fmt.Errorf("cannot read configuration: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	f.Close()
	if err != nil {
		return c, fmt.Errorf("cannot read configuration: %w", err)
	}
	if len(data) > maxFile {
		return c, fmt.Errorf("cannot read configuration %q: it is larger than %d KiB", path, maxFile>>10)
	}
	if len(bytes.TrimSpace(data)) > 0 {
		if err := yamldoc.Check(data); err != nil {
			return c, fmt.Errorf("cannot read configuration %q: %w", path, err)
		}
		if err := yaml.UnmarshalWithOptions(data, &c, yaml.Strict()); err != nil {
			return c, fmt.Errorf("cannot read configuration %q: %w%s", path, yamldoc.Describe(err, data), nearKey(err, data))
		}
	}
	return c, c.check(path)
}

// windows returns the durations, by the names of their keys.
func (a *Alerts) windows() map[string]time.Duration {
	all := map[string]time.Duration{"alerts.window": a.Window, "alerts.risk.half_life": a.Risk.HalfLife}
	for rule, w := range a.Windows {
		all[fmt.Sprintf("alerts.windows of %q", rule)] = w
	}
	return all
}

func (c *Config) check(path string) error {
	for _, n := range []struct {
		key         string
		val         int
		least, most int
	}{
		{"search.memory_mib", c.Search.MemoryMiB, 1, maxMiB},
		{"search.total_memory_mib", c.Search.TotalMemoryMiB, 1, maxMiB},
		{"search.disk_mib", c.Search.DiskMiB, 0, maxMiB},
		{"search.rows", c.Search.Rows, 0, maxRows},
		{"search.subsearch_rows", c.Search.SubsearchRows, 1, maxRows},
		{"search.join_rows", c.Search.JoinRows, 1, maxRows},
		{"search.sort_rows", c.Search.SortRows, 1, maxRows},
		{"search.list_values", c.Search.ListValues, 1, 1_000_000},
		{"serve.scrub_days", c.Serve.ScrubDays, 0, maxDays},
		{"search.subsearch_depth", c.Search.SubsearchDepth, 1, 64},
	} {
		if n.val < n.least || n.val > n.most {
			return fmt.Errorf("configuration %q: %s must be between %d and %d, not %d", path, n.key, n.least, n.most, n.val)
		}
	}
	if c.Log.Format != LogText && c.Log.Format != LogJSON {
		return fmt.Errorf("configuration %q: log.format must be %s or %s, not %q", path, LogText, LogJSON, c.Log.Format)
	}
	if c.Search.Time < 0 || c.Search.Time > maxTime {
		return fmt.Errorf("configuration %q: search.time must be between 0s (no limit) and %s, not %s", path, maxTime, c.Search.Time)
	}
	if c.Verify.Every < leastVerify || c.Verify.Every > mostVerify {
		return fmt.Errorf("configuration %q: verify.every must be between %s and %s, not %s", path, leastVerify, mostVerify, c.Verify.Every)
	}
	if c.Rules.Lateness < leastLateness || c.Rules.Lateness > mostLateness {
		return fmt.Errorf("configuration %q: rules.lateness must be between %s and %s, not %s", path, leastLateness, mostLateness, c.Rules.Lateness)
	}
	for rule, w := range c.Alerts.windows() {
		if w < leastWindow || w > mostWindow {
			return fmt.Errorf("configuration %q: %s must be between %s and %s, not %s", path, rule, leastWindow, mostWindow, w)
		}
	}
	if r := c.Alerts.Risk.Threshold; !(r >= 1 && r <= mostRisk) {
		return fmt.Errorf("configuration %q: alerts.risk.threshold must be between 1 and %d, not %g", path, mostRisk, r)
	}
	if c.Search.SubsearchTime <= 0 || c.Search.SubsearchTime > maxTime {
		return fmt.Errorf("configuration %q: search.subsearch_time must be more than 0s and at most %s, not %s", path, maxTime, c.Search.SubsearchTime)
	}
	for index, r := range c.Retention {
		if r.Days < 0 || r.Days > maxDays {
			return fmt.Errorf("configuration %q: retention of index %q: days must be between 0 (no limit) and %d, not %d", path, index, maxDays, r.Days)
		}
		if own := index == FindingsIndex || index == AlertsIndex; own && r.MiB != 0 {
			return fmt.Errorf("configuration %q: retention of index %q: it is kept by age only; remove mib", path, index)
		}
		if index == AuditIndex && r.MiB != 0 {
			return fmt.Errorf("configuration %q: retention of index %q: it is kept by age only; remove mib", path, index)
		}
		if index == HealthIndex {
			return fmt.Errorf("configuration %q: retention of index %q: it is kept forever; remove the entry", path, index)
		}
		if r.MiB < 0 || r.MiB > maxMiB {
			return fmt.Errorf("configuration %q: retention of index %q: mib must be between 0 (no limit) and %d, not %d", path, index, maxMiB, r.MiB)
		}
	}
	if _, _, err := net.SplitHostPort(c.Serve.Addr); err != nil {
		return fmt.Errorf("configuration %q: serve.addr must be HOST:PORT: %w", path, err)
	}
	if err := c.checkPeople(); err != nil {
		return fmt.Errorf("configuration %q: %w", path, err)
	}
	if err := c.checkDrops(); err != nil {
		return fmt.Errorf("configuration %q: %w", path, err)
	}
	if err := c.checkSources(); err != nil {
		return fmt.Errorf("configuration %q: sources: %w", path, err)
	}
	if err := c.checkLists(path); err != nil {
		return err
	}
	if err := c.checkFacts(path); err != nil {
		return err
	}
	if err := c.checkOrganization(); err != nil {
		return fmt.Errorf("configuration %q: %w", path, err)
	}
	if _, err := time.LoadLocation(c.TimeZone); err != nil {
		return fmt.Errorf("configuration %q: timezone: %w", path, err)
	}
	if err := c.outputs(); err != nil {
		return fmt.Errorf("configuration %q: %w", path, err)
	}
	return nil
}
