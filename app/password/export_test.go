package password

// List gives the common passwords.
func List() []string { return commons() }
