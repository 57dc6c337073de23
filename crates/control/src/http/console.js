// What the console does better with a script. Every page works without it; nothing here is needed to act.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");

  // The theme follows at once; the cookie makes the server print it from then on.
  function chooseTheme(event, form) {
    const theme = event.submitter && event.submitter.value;
    if (!["auto", "light", "dark"].includes(theme)) return;
    event.preventDefault();
    root.dataset.theme = theme;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `theme=${theme}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    for (const button of form.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.value === theme));
    }
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-theme-form]")) return chooseTheme(event, form);
    if (form.method !== "post") return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  async function copy(button) {
    const source = document.getElementById(button.dataset.copy);
    if (!source) return;
    const text = source.value === undefined ? source.textContent : source.value;
    const label = button.querySelector("span") || button;
    const before = label.textContent;
    try {
      await navigator.clipboard.writeText(text.trim());
      label.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      label.textContent = "Selected";
    }
    setTimeout(() => { label.textContent = before; }, 1600);
  }

  function closeMenus(except) {
    for (const menu of document.querySelectorAll("details.drop[open]")) {
      if (menu !== except) menu.open = false;
    }
  }

  document.addEventListener("click", (event) => {
    closeMenus(event.target.closest("details.drop"));
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
    if (event.target.closest("[data-print]")) print();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const open = document.querySelector("details.drop[open]");
      if (open) open.querySelector("summary").focus();
      closeMenus(null);
    }
    const typing = event.target.closest && event.target.closest("input, textarea, select");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const search = document.querySelector("main input[type=search]");
      if (search) { event.preventDefault(); search.focus(); }
    }
  });

  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-follow]");
    if (form && event.target.matches("select")) form.requestSubmit();
  });

  // Chart values beside the pointer, read from each column's own title.
  let tip = null;
  function hideTip() {
    if (tip) { tip.remove(); tip = null; }
  }
  document.addEventListener("pointermove", (event) => {
    const column = event.target.closest && event.target.closest(".plot .col");
    if (!column) return hideTip();
    const title = column.querySelector("title");
    if (title) {
      column.dataset.values = title.textContent.trim();
      title.remove();
    }
    if (!tip) {
      tip = document.createElement("div");
      tip.className = "tip";
      tip.setAttribute("aria-hidden", "true");
      document.body.append(tip);
    }
    tip.textContent = column.dataset.values || "";
    const beyond = event.clientX + 18 + tip.offsetWidth > innerWidth;
    tip.style.left = `${beyond ? event.clientX - tip.offsetWidth - 14 : event.clientX + 14}px`;
    tip.style.top = `${Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8)}px`;
  });
  document.addEventListener("pointerleave", hideTip);
  document.addEventListener("scroll", hideTip, { passive: true });
})();
