// What tables need: a field above each long one that hides the rows without its words, and a place for the keyboard in those that
// scroll sideways.
const LONG = 20; // rows

function addFilter(table) {
  const rows = [...table.querySelectorAll("tbody tr")];
  if (rows.length < LONG || table.dataset.filtered) return;
  table.dataset.filtered = "yes";
  const field = Object.assign(document.createElement("input"), { type: "search", className: "filter" });
  field.placeholder = "Filter by words";
  field.setAttribute("aria-label", "Filter the table");
  const count = document.createElement("p");
  count.className = "filter-count";
  count.setAttribute("role", "status");
  const apply = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
    count.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length}`;
  };
  field.addEventListener("input", apply);
  (table.closest(".md-typeset__scrollwrap") ?? table).before(field, count);
  apply();
}

function letKeyboardScroll(wrap) {
  if (!wrap.querySelector("table")) return;
  wrap.tabIndex = 0;
  wrap.setAttribute("role", "group");
  wrap.setAttribute("aria-label", "Table");
}

function prepare() {
  document.querySelectorAll("article table").forEach(addFilter);
  document.querySelectorAll(".md-typeset__scrollwrap").forEach(letKeyboardScroll);
}

// The theme wraps tables and changes pages by itself, so both are done again whenever the article changes.
new MutationObserver(prepare).observe(document.body, { childList: true, subtree: true });
prepare();
