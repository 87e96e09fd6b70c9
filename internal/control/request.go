package control

import "encoding/json"

// Terminal is what a command knows of where an output goes.
type Terminal struct {
	TTY   bool `json:"tty"`
	Width int  `json:"width"` // columns, 0 = no terminal
	// Colour says that the person there wants colours.
	Colour bool `json:"colour"`
}

// Path is a path, which need not be UTF-8 as JSON's strings have to.
type Path string

// MarshalJSON implements json.Marshaler.
func (p Path) MarshalJSON() ([]byte, error) { return json.Marshal([]byte(p)) }

// UnmarshalJSON implements json.Unmarshaler.
func (p *Path) UnmarshalJSON(text []byte) error {
	var raw []byte
	err := json.Unmarshal(text, &raw)
	*p = Path(raw)
	return err
}

// Request asks a server to run a verb.
type Request struct {
	Version string          `json:"version"` // of the command
	Verb    string          `json:"verb"`
	Options json.RawMessage `json:"options"`          // of the verb
	Config  json.RawMessage `json:"config,omitempty"` // the command's own configuration; none = the server's
	Dir     Path            `json:"dir"`              // working directory, absolute
	Quiet   bool            `json:"quiet"`
	Stdout  Terminal        `json:"stdout"`
	Stderr  Terminal        `json:"stderr"`
}
