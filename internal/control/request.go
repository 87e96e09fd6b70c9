package control

import "encoding/json"

// Terminal is what a command knows of where an output goes.
type Terminal struct {
	TTY   bool `json:"tty"`
	Width int  `json:"width"` // columns, 0 = no terminal
	// Colour says that the person there wants colours.
	Colour bool `json:"colour"`
}

// Request asks a server to run a verb.
type Request struct {
	Version string          `json:"version"` // of the command
	Verb    string          `json:"verb"`
	Options json.RawMessage `json:"options"`          // of the verb
	Config  json.RawMessage `json:"config,omitempty"` // the command's own configuration; none = the server's
	Dir     string          `json:"dir"`              // working directory, absolute
	Quiet   bool            `json:"quiet"`
	Stdout  Terminal        `json:"stdout"`
	Stderr  Terminal        `json:"stderr"`
}
