<#macro show social>
<section class="others" aria-labelledby="others-title">
    <h2 id="others-title">${msg("neighbourTitle")}</h2>
    <p>${msg("neighbourLead")}</p>
    <ul id="kc-social-providers" class="list-plain">
        <#list social.providers as p>
        <li><a id="social-${p.alias}" class="button button--secondary" href="${p.loginUrl}">${msg("signInWith", advancedMsg("idp." + p.alias)?starts_with("idp.")?then(p.displayName!p.alias, advancedMsg("idp." + p.alias)))}</a></li>
        </#list>
    </ul>
</section>
</#macro>
