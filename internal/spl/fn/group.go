package fn

// The groups of functions, as Splunk's reference names them.
const (
	bitwise       = "Bitwise"
	conditional   = "Comparison and conditional"
	conversion    = "Conversion"
	cryptographic = "Cryptographic"
	dateTime      = "Date and time"
	informational = "Informational"
	jsons         = "JSON"
	mathematical  = "Mathematical"
	multivalue    = "Multivalue"
	statistical   = "Statistical eval"
	texts         = "Text"
	trigonometry  = "Trigonometry and hyperbolic"
)
