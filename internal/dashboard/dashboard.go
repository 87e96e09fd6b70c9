// Package dashboard reads and checks dashboards: files that lay out searches as
// charts, tables and maps, with inputs whose values go into the searches.
// docs/dashboards.md describes the format for people.
package dashboard

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/yamldoc"

	"github.com/goccy/go-yaml"
)

// Bounds of a dashboard.
const (
	MaxBytes  = 1 << 20
	MaxPanels = 100
	MaxInputs = 30
	Columns   = 12 // of the grid that Panel.Width counts
)

// Dashboard is one file of dashboards/*.yml.
type Dashboard struct {
	ID          string            `yaml:"id" json:"id"`
	Title       string            `yaml:"title" json:"title"`
	Description string            `yaml:"description,omitempty" json:"description,omitempty"`
	Inputs      []Input           `yaml:"inputs,omitempty" json:"inputs,omitempty"`
	Searches    map[string]string `yaml:"searches,omitempty" json:"searches,omitempty"` // that panels begin with, by name
	Rows        []Row             `yaml:"rows" json:"rows"`
}

// Input is a choice of the reader. $id$ in a search stands for its value.
type Input struct {
	ID       string   `yaml:"id" json:"id"`
	Type     string   `yaml:"type" json:"type"` // one of InputTypes
	Label    string   `yaml:"label,omitempty" json:"label,omitempty"`
	Field    string   `yaml:"field,omitempty" json:"field,omitempty"`       // $id$ stands for a condition on this field
	Default  Strings  `yaml:"default,omitempty" json:"default,omitempty"`   // none = any value
	Multiple bool     `yaml:"multiple,omitempty" json:"multiple,omitempty"` // several values may be chosen
	Choices  []Choice `yaml:"choices,omitempty" json:"choices,omitempty"`
	Search   string   `yaml:"search,omitempty" json:"search,omitempty"` // gives more choices
	Value    string   `yaml:"value,omitempty" json:"value,omitempty"`   // the column of Search with the values
	Text     string   `yaml:"text,omitempty" json:"text,omitempty"`     // the column with what is shown; "" = Value
	Earliest string   `yaml:"earliest,omitempty" json:"earliest,omitempty"`
	Latest   string   `yaml:"latest,omitempty" json:"latest,omitempty"`
}

// Choice is an entry of a dropdown.
type Choice struct {
	Label string `yaml:"label,omitempty" json:"label,omitempty"` // "" = Value
	Value string `yaml:"value" json:"value"`
}

// Row is a line of panels.
type Row struct {
	Title  string  `yaml:"title,omitempty" json:"title,omitempty"`
	Height int     `yaml:"height,omitempty" json:"height,omitempty"` // pixels; 0 = by kind
	Panels []Panel `yaml:"panels" json:"panels"`
}

// Panel shows the result of a search.
type Panel struct {
	Title       string     `yaml:"title" json:"title"`
	Description string     `yaml:"description,omitempty" json:"description,omitempty"`
	Kind        string     `yaml:"kind" json:"kind"`                       // one of Kinds
	Width       int        `yaml:"width,omitempty" json:"width,omitempty"` // of Columns; 0 = an even share
	Base        string     `yaml:"base,omitempty" json:"base,omitempty"`   // name in Searches; Search goes on from it
	Search      string     `yaml:"search,omitempty" json:"search,omitempty"`
	Time        string     `yaml:"time,omitempty" json:"time,omitempty"` // id of the time input; "" = the first
	Earliest    string     `yaml:"earliest,omitempty" json:"earliest,omitempty"`
	Latest      string     `yaml:"latest,omitempty" json:"latest,omitempty"`
	Text        string     `yaml:"text,omitempty" json:"text,omitempty"` // of kind text
	Options     *Options   `yaml:"options,omitempty" json:"options,omitempty"`
	Drilldown   *Drilldown `yaml:"drilldown,omitempty" json:"drilldown,omitempty"`
}

// Options say how a panel shows its rows. All are optional.
type Options struct {
	Stack      bool        `yaml:"stack,omitempty" json:"stack,omitempty"`
	Legend     string      `yaml:"legend,omitempty" json:"legend,omitempty"` // bottom, right, none
	Log        bool        `yaml:"log,omitempty" json:"log,omitempty"`       // logarithmic y axis
	Unit       string      `yaml:"unit,omitempty" json:"unit,omitempty"`
	Decimals   int         `yaml:"decimals,omitempty" json:"decimals,omitempty"`
	X          string      `yaml:"x,omitempty" json:"x,omitempty"` // column; "" = the first
	Y          []string    `yaml:"y,omitempty" json:"y,omitempty"` // columns; none = all others
	Value      string      `yaml:"value,omitempty" json:"value,omitempty"`
	Trend      string      `yaml:"trend,omitempty" json:"trend,omitempty"`   // column to compare Value with
	Rising     string      `yaml:"rising,omitempty" json:"rising,omitempty"` // whether more is good, bad or neutral
	Columns    []string    `yaml:"columns,omitempty" json:"columns,omitempty"`
	Limit      int         `yaml:"limit,omitempty" json:"limit,omitempty"` // rows, slices, series
	Country    string      `yaml:"country,omitempty" json:"country,omitempty"`
	Latitude   string      `yaml:"latitude,omitempty" json:"latitude,omitempty"`
	Longitude  string      `yaml:"longitude,omitempty" json:"longitude,omitempty"`
	Attack     bool        `yaml:"attack,omitempty" json:"attack,omitempty"` // a matrix of ATT&CK
	Thresholds []Threshold `yaml:"thresholds,omitempty" json:"thresholds,omitempty"`
}

// Threshold colours values from At on.
type Threshold struct {
	At       float64 `yaml:"at" json:"at"`
	Severity string  `yaml:"severity" json:"severity"` // one of severities
}

// Drilldown says where a click leads: $row.FIELD$ is a value of the row, $earliest$
// and $latest$ are the time range of the place, $id$ the value of an input.
type Drilldown struct {
	None      bool              `yaml:"none,omitempty" json:"none,omitempty"`
	Search    string            `yaml:"search,omitempty" json:"search,omitempty"`
	Dashboard string            `yaml:"dashboard,omitempty" json:"dashboard,omitempty"`
	Inputs    map[string]string `yaml:"inputs,omitempty" json:"inputs,omitempty"`
	Entity    string            `yaml:"entity,omitempty" json:"entity,omitempty"`
	Value     string            `yaml:"value,omitempty" json:"value,omitempty"` // of the entity
}

// What the names of a dashboard may be.
var (
	Kinds      = []string{"line", "area", "column", "bar", "pie", "single", "table", "map", "matrix", "events", "text"}
	InputTypes = []string{"time", "account", "region", "user", "text", "dropdown"}

	legends    = []string{"bottom", "right", "none"}
	risings    = []string{"good", "bad", "neutral"}
	severities = []string{"critical", "high", "medium", "low", "informational", "good"}
	entities   = []string{"actor", "user", "role", "session", "key", "address", "instance", "bucket", "account"}
)

// fields are those that inputs of a type ask for by themselves.
var fields = map[string]string{"account": "recipientAccountId", "region": "awsRegion", "user": "user"}

var (
	idForm    = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,79}$`)
	inputForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,49}$`)
)

// Strings is a list that may be written as one value.
type Strings []string

// UnmarshalYAML takes a scalar as a list of one.
func (s *Strings) UnmarshalYAML(data []byte) error {
	var list []string
	if err := yaml.Unmarshal(data, &list); err == nil {
		*s = list
		return nil
	}
	var one string
	if err := yaml.Unmarshal(data, &one); err != nil {
		return errors.New("expected a value or a list of values")
	}
	*s = Strings{one}
	return nil
}

// Parse reads a dashboard strictly. Names are checked, searches are not: see
// Validate. Errors name the place.
func Parse(data []byte) (*Dashboard, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("the dashboard has more than %d bytes", MaxBytes)
	}
	if err := yamldoc.Check(data); err != nil {
		return nil, err
	}
	var d Dashboard
	dec := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict())
	if err := dec.Decode(&d); errors.Is(err, io.EOF) {
		return nil, errors.New("the dashboard is empty")
	} else if err != nil {
		return nil, yamldoc.Describe(err, data)
	}
	if err := dec.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, errors.New("the file holds more than one document; put each dashboard into a file of its own")
	}
	return &d, d.check()
}

// Marshal writes a dashboard as Parse reads it.
func (d *Dashboard) Marshal() ([]byte, error) {
	return yaml.MarshalWithOptions(d, yaml.UseLiteralStyleIfMultiline(true), yaml.IndentSequence(true))
}

// Panels returns the panels in reading order.
func (d *Dashboard) Panels() []*Panel {
	var list []*Panel
	for i := range d.Rows {
		for j := range d.Rows[i].Panels {
			list = append(list, &d.Rows[i].Panels[j])
		}
	}
	return list
}

// check looks at everything but the searches.
func (d *Dashboard) check() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !idForm.MatchString(d.ID) {
		fault("id %q: use up to 80 lower-case letters, digits, - and _, beginning with a letter or digit", d.ID)
	}
	if strings.TrimSpace(d.Title) == "" {
		fault("the dashboard has no title")
	}
	if len(d.Inputs) > MaxInputs {
		fault("%d inputs; at most %d", len(d.Inputs), MaxInputs)
	}
	seen := map[string]bool{}
	for i := range d.Inputs {
		in := &d.Inputs[i]
		if err := in.check(); err != nil {
			fault("input %d (%s): %w", i+1, in.ID, err)
		}
		if seen[in.ID] {
			fault("input %d (%s): there is another input of this id", i+1, in.ID)
		}
		seen[in.ID] = true
	}
	n := len(d.Panels())
	if n == 0 {
		fault("the dashboard has no panels")
	}
	if n > MaxPanels {
		fault("%d panels; at most %d", n, MaxPanels)
	}
	for i := range d.Rows {
		r := &d.Rows[i]
		if r.Height != 0 && (r.Height < 60 || r.Height > 2000) {
			fault("row %d: height %d is not between 60 and 2000 pixels", i+1, r.Height)
		}
		width := 0
		for j := range r.Panels {
			p := &r.Panels[j]
			width += p.Width
			if err := p.check(d); err != nil {
				fault("row %d, panel %d (%s): %w", i+1, j+1, p.Title, err)
			}
		}
		if width > Columns {
			fault("row %d: the panels are %d columns wide; a row has %d", i+1, width, Columns)
		}
	}
	return errors.Join(errs...)
}

func (in *Input) check() error {
	switch {
	case !inputForm.MatchString(in.ID):
		return fmt.Errorf("id %q: use up to 50 letters, digits, - and _, beginning with a letter", in.ID)
	case !slices.Contains(InputTypes, in.Type):
		return oneOf("type", in.Type, InputTypes)
	case in.Type == "time" && (in.Field != "" || in.Multiple || len(in.Default) > 0 || len(in.Choices) > 0):
		return errors.New("a time input has only earliest and latest")
	case in.Type != "time" && in.Earliest+in.Latest != "" && in.Search == "":
		return errors.New("earliest and latest belong to time inputs, and to those with a search")
	case in.Type == "dropdown" && len(in.Choices) == 0 && in.Search == "":
		return errors.New("a dropdown needs choices or a search")
	case in.Type == "text" && (in.Multiple || in.Search != "" || len(in.Choices) > 0):
		return errors.New("a text input has no choices; use type dropdown")
	case in.Search != "" && in.Value == "":
		return errors.New("a search for choices needs value, the column with the values")
	case len(in.Default) > 1 && !in.Multiple:
		return errors.New("several default values need multiple: true")
	}
	return nil
}

func (p *Panel) check(d *Dashboard) error {
	if !slices.Contains(Kinds, p.Kind) {
		return oneOf("kind", p.Kind, Kinds)
	}
	if p.Width < 0 || p.Width > Columns {
		return fmt.Errorf("width %d is not between 1 and %d", p.Width, Columns)
	}
	if p.Kind == "text" {
		if p.Search+p.Base != "" {
			return errors.New("a text panel has no search")
		}
		return nil
	}
	if p.Text != "" {
		return errors.New("text belongs to panels of kind text; use description")
	}
	if p.Base != "" {
		if _, ok := d.Searches[p.Base]; !ok {
			return fmt.Errorf("there is no search %q under searches", p.Base)
		}
	} else if strings.TrimSpace(p.Search) == "" {
		return errors.New("the panel has no search")
	}
	if p.Time != "" && !slices.ContainsFunc(d.Inputs, func(in Input) bool { return in.ID == p.Time && in.Type == "time" }) {
		return fmt.Errorf("there is no time input %q", p.Time)
	}
	if o := p.Options; o != nil {
		if o.Legend != "" && !slices.Contains(legends, o.Legend) {
			return oneOf("legend", o.Legend, legends)
		}
		if o.Rising != "" && !slices.Contains(risings, o.Rising) {
			return oneOf("rising", o.Rising, risings)
		}
		if o.Decimals < 0 || o.Decimals > 10 || o.Limit < 0 || o.Limit > 10000 {
			return errors.New("decimals go from 0 to 10, limit from 0 to 10000")
		}
		for _, t := range o.Thresholds {
			if !slices.Contains(severities, t.Severity) {
				return oneOf("severity", t.Severity, severities)
			}
		}
	}
	if w := p.Drilldown; w != nil {
		n := 0
		for _, set := range []bool{w.None, w.Search != "", w.Dashboard != "", w.Entity != ""} {
			if set {
				n++
			}
		}
		switch {
		case n != 1:
			return errors.New("a drilldown has one of none, search, dashboard and entity")
		case w.Dashboard != "" && !idForm.MatchString(w.Dashboard):
			return fmt.Errorf("drilldown: %q is no id of a dashboard", w.Dashboard)
		case w.Entity != "" && !slices.Contains(entities, w.Entity):
			return oneOf("entity", w.Entity, entities)
		case w.Entity != "" && w.Value == "":
			return errors.New("a drilldown to an entity needs value, such as $row.user$")
		}
	}
	return nil
}

// oneOf is the error for a value that is none of a list.
func oneOf(what, got string, list []string) error {
	near := ""
	if s := diag.DidYouMean(got, list); s != "" {
		near = "; " + s
	}
	return fmt.Errorf("%s %q is unknown%s; it is one of %s", what, got, near, strings.Join(list, ", "))
}
