// A box above long tables: type words, and only the rows that contain all of them stay.
document.addEventListener("DOMContentLoaded", () => {
  for (const place of document.querySelectorAll(".table-filter")) {
    const box = document.createElement("input");
    box.type = "search";
    box.placeholder = "Filter rows…";
    box.setAttribute("aria-label", box.placeholder);
    place.append(box);
    const scope = place.closest("section");
    const rows = [...scope.querySelectorAll("tbody tr")];
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const parts = [...scope.querySelectorAll("section")].filter((part) => part.querySelector("tbody tr"));
    box.addEventListener("input", () => {
      const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
      rows.forEach((row, i) => { row.hidden = !words.every((word) => texts[i].includes(word)); });
      parts.forEach((part) => { part.hidden = !part.querySelector("tbody tr:not([hidden])"); });
    });
  }
});
