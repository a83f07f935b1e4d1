// The switch of colours: automatic, light, dark. The choice is kept in the
// cookie "theme", so that the server writes it into the next page; on https it
// is bound to the host.
const next = { "": "light", light: "dark", dark: "" };
const root = document.documentElement;

function set(theme) {
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
  const [name, secure] = location.protocol === "https:" ? ["__Host-theme", "; secure"] : ["theme", ""];
  const life = theme ? 31536000 : 0;
  document.cookie = `${name}=${theme}; path=/; max-age=${life}; samesite=lax${secure}`;
}

for (const button of document.querySelectorAll("[data-theme-button]")) {
  const tell = () => {
    const name = button.dataset[root.dataset.theme || "auto"];
    button.setAttribute("aria-label", name);
    button.title = name;
  };
  button.addEventListener("click", () => {
    set(next[root.dataset.theme ?? ""]);
    tell();
  });
  tell();
  button.hidden = false;
}

// The form of the preferences shows its colours at once.
for (const radio of document.querySelectorAll("input[name=theme]")) {
  radio.addEventListener("change", () => set(radio.value));
}
